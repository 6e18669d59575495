//! The record's archive: a directory, and object storage with object lock (moto, an S3 server for tests).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Sandbox, bash_act, test_python};

/// An ended log of some hundred records.
fn sample() -> Sandbox {
    let mut sandbox = Sandbox::start_with("[velocity]\nlow = 10000\ntotal = 10000\nburst = 10000\n");
    let key = sandbox.add_agent("bot");
    let agent = sandbox.raw(&key);
    for number in 0..600 {
        agent.send_submit("s", &bash_act(&format!("echo archived-{number}")), true);
        let _ = agent.hear().unwrap();
    }
    drop(agent);
    sandbox.kill_daemon();
    sandbox.end_logd();
    sandbox
}

struct Moto(Child, String);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn moto() -> Moto {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = "import sys; from moto.server import main; main(sys.argv[1:])";
    let child = test_python()
        .args(["-c", start, "-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let moto = Moto(child, format!("http://127.0.0.1:{port}"));
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "moto does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    moto
}

/// Something done with the bucket by its owner, with a public SDK (boto3, which moto brings).
fn owner(moto: &Moto, script: &str) -> String {
    let head = format!(
        "import boto3\ns3 = boto3.client('s3', endpoint_url='{}', aws_access_key_id='owner', aws_secret_access_key='x', region_name='us-east-1')\n",
        moto.1
    );
    let output = test_python().args(["-c", &format!("{head}{script}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn say(sandbox: &Sandbox, moto: Option<&Moto>, words: &[&str]) -> (bool, String) {
    let mut command = sandbox.countersign(words);
    if let Some(moto) = moto {
        command.envs([
            ("AWS_ENDPOINT_URL", moto.1.as_str()),
            ("AWS_ACCESS_KEY_ID", "writer"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
        ]);
    }
    let output = command.output().unwrap();
    (
        output.status.success(),
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
    )
}

/// Pruned contents are gone here, read from the archive, and the log verifies with it.
fn prunes(sandbox: &Sandbox, moto: Option<&Moto>, archive: &str) {
    let payload = sandbox.layout.log.join("payload/000");
    let (done, said) = say(sandbox, moto, &["log", "archive", "prune", archive, "--older-than", "90"]);
    assert!(done && said.contains("0 bundles") && payload.exists(), "nothing is as old: {said}");
    let (done, said) = say(sandbox, moto, &["log", "archive", "prune", archive, "--older-than", "0"]);
    assert!(done && !payload.exists(), "{said}");
    assert!(!say(sandbox, moto, &["log", "verify"]).0);
    let (held, said) = say(sandbox, moto, &["log", "verify", "--archive", archive]);
    assert!(held, "{said}");
    let (_, found) = say(sandbox, moto, &["log", "show", "--grep", "archived-77", "--archive", archive]);
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn a_directory_takes_everything_once_and_nothing_else() {
    let sandbox = sample();
    let archive = sandbox.work.join("archive");
    let name = archive.to_str().unwrap();
    let (done, said) = say(&sandbox, None, &["log", "archive", "run", name]);
    assert!(done && said.contains("0 were there"), "{said}");
    let (done, said) = say(&sandbox, None, &["log", "archive", "run", name]);
    assert!(done && said.contains("0 files put there"), "{said}");
    // Another file in an archived one's place is reported, and not replaced.
    let file = archive.join("payload/000");
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, b"something else").unwrap();
    fs::remove_file(sandbox.layout.log.join("archived.json")).unwrap();
    let (done, said) = say(&sandbox, None, &["log", "archive", "run", name]);
    assert!(!done && said.contains("ANOTHER `payload/000`"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), b"something else");
    let (done, said) = say(&sandbox, None, &["log", "archive", "prune", name, "--older-than", "0"]);
    assert!(!done && said.contains("is not in"), "{said}");
    assert!(sandbox.layout.log.join("payload/000").exists());
    fs::write(&file, bytes).unwrap();
    prunes(&sandbox, None, name);
}

#[test]
fn object_storage_with_object_lock_keeps_what_our_credentials_cannot_delete() {
    let (sandbox, moto) = (sample(), moto());
    owner(&moto, "s3.create_bucket(Bucket='records', ObjectLockEnabledForBucket=True)");
    let archive = "s3://records/host-7";
    let (done, said) = say(&sandbox, Some(&moto), &["log", "archive", "run", archive, "--lock", "365"]);
    assert!(done, "{said}");
    let (done, said) = say(&sandbox, Some(&moto), &["log", "archive", "run", archive, "--lock", "365"]);
    assert!(done && said.contains("0 files put there"), "{said}");
    let locked = owner(
        &moto,
        "from botocore.exceptions import ClientError\n\
         it = s3.list_object_versions(Bucket='records', Prefix='host-7/payload/000')['Versions'][0]\n\
         head = s3.head_object(Bucket='records', Key=it['Key'])\n\
         print(head['ObjectLockMode'])\n\
         try:\n    s3.delete_object(Bucket='records', Key=it['Key'], VersionId=it['VersionId'])\n    print('deleted')\n\
         except ClientError as why:\n    print(why.response['Error']['Code'])\n",
    );
    assert_eq!(locked.lines().collect::<Vec<_>>(), ["COMPLIANCE", "AccessDenied"]);
    // What belongs to one session is held for as long as the bucket's owner wants.
    let (done, said) = say(&sandbox, Some(&moto), &["log", "archive", "hold", archive, "bot", "s"]);
    assert!(done && said.contains("held: 4 files"), "{said}");
    let held = owner(
        &moto,
        "for name in ['payload/000', 'tile/entries/000']:\n    print(s3.get_object_legal_hold(Bucket='records', Key='host-7/' + name)['LegalHold']['Status'])\n",
    );
    assert_eq!(held.lines().collect::<Vec<_>>(), ["ON", "ON"]);
    prunes(&sandbox, Some(&moto), archive);
    // A shipper without credentials puts one object.
    let (done, url) = say(&sandbox, Some(&moto), &["log", "archive", "presign", archive, "cron/backup.log"]);
    assert!(done, "{url}");
    let put = Command::new("curl")
        .args([
            "-sf",
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/octet-stream",
            "--data-binary",
            "encrypted elsewhere",
            url.trim(),
        ])
        .output();
    if let Ok(put) = put {
        assert!(put.status.success(), "{put:?}");
        let read = owner(
            &moto,
            "print(s3.get_object(Bucket='records', Key='host-7/cron/backup.log')['Body'].read().decode())",
        );
        assert_eq!(read.trim(), "encrypted elsewhere");
    }
    let (done, rules) =
        say(&sandbox, None, &["log", "archive", "rules", archive, "--writer", "arn:aws:iam::1:user/writer"]);
    assert!(done && rules.contains("s3:DeleteObjectVersion") && rules.contains("GLACIER_IR"), "{rules}");
}

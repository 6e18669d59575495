//! The archive on object storage that really locks and checks its clients (Ceph). It takes 70 MB of Debian packages (radosgw,
//! ceph-mon, ceph-mgr, ceph-osd, ceph-common) and half a minute to start, so it is no test of every run:
//! `cargo build --workspace && cargo run -p testkit --example worm`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::{Sandbox, bash_act, test_python};

/// The gateway. It ends when its standard input closes.
struct Gateway(Child, String);

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn gateway(directory: &Path) -> Gateway {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("radosgw.sh"))
        .arg(directory)
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap() == "ready"),
        "no gateway; install radosgw, ceph-mon, ceph-mgr, ceph-osd, ceph-common"
    );
    Gateway(child, format!("http://127.0.0.1:{port}"))
}

/// Operations on the bucket, with a public SDK.
fn does(gateway: &Gateway, who: &str, script: &str) -> Vec<String> {
    let head = format!(
        "import boto3, json, datetime\nfrom botocore.config import Config\nfrom botocore.exceptions import ClientError\n\
         s3 = boto3.client('s3', endpoint_url='{}', aws_access_key_id='{who}', aws_secret_access_key='{who}-secret', region_name='us-east-1',\n\
             config=Config(request_checksum_calculation='when_required', response_checksum_validation='when_required'))\n",
        gateway.1
    );
    let output = test_python().args(["-c", &format!("{head}{script}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Deleting, deleting around the lock, and shortening it.
const ATTEMPTS: &str = r"
one = dict(Bucket='records', Key=it['Key'], VersionId=it['VersionId'])
soon = datetime.datetime.now() + datetime.timedelta(days=1)
for attempt in [
    lambda: s3.delete_object(**one),
    lambda: s3.delete_object(**one, BypassGovernanceRetention=True),
    lambda: s3.put_object_retention(**one, Retention={'Mode': 'COMPLIANCE', 'RetainUntilDate': soon}),
]:
    try:
        attempt(); print('done')
    except ClientError as why:
        print(why.response['Error']['Code'])
";

fn main() {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let _ = sandbox.raw(&key).submit(&bash_act("echo worm"));
    assert!(sandbox.run(&["true"]).status().unwrap().success());
    sandbox.kill_daemon();
    sandbox.end_logd();
    let gateway = gateway(&sandbox.root.join("ceph"));
    let archive = |secret: &str| {
        let mut command = sandbox.countersign(&["log", "archive", "run", "s3://records/h", "--lock", "30"]);
        command.envs([("AWS_ENDPOINT_URL", gateway.1.as_str()), ("AWS_ACCESS_KEY_ID", "writer")]);
        command.env("AWS_SECRET_ACCESS_KEY", secret).output().unwrap()
    };
    does(
        &gateway,
        "owner",
        "s3.create_bucket(Bucket='records', ObjectLockEnabledForBucket=True)\n\
         allow = ['s3:PutObject', 's3:PutObjectRetention', 's3:PutObjectLegalHold', 's3:GetObject', 's3:ListBucket']\n\
         rule = {'Effect': 'Allow', 'Principal': {'AWS': ['arn:aws:iam:::user/writer']}, 'Action': allow, 'Resource': ['arn:aws:s3:::records', 'arn:aws:s3:::records/*']}\n\
         s3.put_bucket_policy(Bucket='records', Policy=json.dumps({'Version': '2012-10-17', 'Statement': [rule]}))\n",
    );
    let wrong = archive("wrong");
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("403"), "{wrong:?}");
    let right = archive("writer-secret");
    assert!(right.status.success(), "{right:?}");
    let versions =
        "for it in s3.list_object_versions(Bucket='records')['Versions']: print(it['Key'], it['VersionId'])\n";
    let there = does(&gateway, "owner", versions);
    assert!(there.len() >= 4, "{there:?}");
    let (name, version) = there.first().unwrap().split_once(' ').unwrap();
    for who in ["writer", "owner"] {
        let said = does(&gateway, who, &format!("it = {{'Key': '{name}', 'VersionId': '{version}'}}\n{ATTEMPTS}"));
        assert_eq!(said, ["AccessDenied", "AccessDenied", "AccessDenied"], "{who}");
    }
    assert_eq!(does(&gateway, "owner", versions), there);
    println!(
        "no identity could delete what is locked, nor shorten the lock: neither the writer nor the bucket's owner"
    );
}

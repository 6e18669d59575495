//! Object storage that speaks S3, through `rusty-s3`, which signs and does nothing else.

use std::time::Duration;

use data_encoding::BASE64;
use model::Digest;
use rusty_s3::actions::{GetObject, PutObject, S3Action as _};
use rusty_s3::{Bucket as S3Bucket, Credentials, UrlStyle};
use serde_json::json;

use super::target::{Put, Target};

/// Validity of a signature.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// The largest object, in bytes.
const MAX_OBJECT: u64 = 1024 * 1024 * 1024;

/// A bucket, and what names in it begin with.
pub(super) struct Bucket {
    bucket: S3Bucket,
    credentials: Credentials,
    prefix: String,
}

/// `s3://bucket/prefix`.
fn parts(target: &str) -> Result<(&str, &str), String> {
    let rest = target.strip_prefix("s3://").ok_or_else(|| format!("`{target}` is not `s3://BUCKET/PREFIX`"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() { Err(format!("`{target}` names no bucket")) } else { Ok((bucket, prefix.trim_matches('/'))) }
}

impl Bucket {
    /// Opens it, with what the environment says.
    pub(super) fn open(target: &str) -> Result<Self, String> {
        let (bucket, prefix) = parts(target)?;
        let region = std::env::var("AWS_REGION").unwrap_or_else(|_| "us-east-1".to_owned());
        let own = std::env::var("AWS_ENDPOINT_URL").ok();
        let style = if own.is_some() { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = own.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let url = endpoint.parse().map_err(|_| format!("AWS_ENDPOINT_URL is no address: `{endpoint}`"))?;
        let bucket = S3Bucket::new(url, style, bucket.to_owned(), region).map_err(|why| why.to_string())?;
        let credentials = Credentials::from_env()
            .ok_or("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of an identity that can put and get, and not delete")?;
        Ok(Self { bucket, credentials, prefix: prefix.to_owned() })
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// An address to which one object can be put.
    pub(super) fn presigned_put(&self, name: &str, seconds: u32) -> String {
        let key = self.key(name);
        PutObject::new(&self.bucket, Some(&self.credentials), &key)
            .sign(Duration::from_secs(u64::from(seconds)))
            .to_string()
    }
}

impl Target for Bucket {
    fn put(&self, name: &str, bytes: &[u8], lock: Option<u32>) -> Result<Put, String> {
        let key = self.key(name);
        // The server checks the digest before it takes the object, and takes it only where none of this name is.
        let digest = BASE64.encode(Digest::of_bytes(bytes).as_array());
        let mut headers = vec![
            ("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()),
            ("x-amz-checksum-sha256", digest),
            ("if-none-match", "*".to_owned()),
        ];
        if let Some(days) = lock {
            headers.push(("x-amz-object-lock-mode", "COMPLIANCE".to_owned()));
            headers.push(("x-amz-object-lock-retain-until-date", until(days)?));
        }
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), &key);
        for (name, value) in &headers {
            action.headers_mut().insert(*name, value.clone());
        }
        let url = action.sign(SIGNED_FOR);
        let mut request = crate::log::replication::agent().put(url.as_str());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let mut answer = request.send(bytes).map_err(|why| format!("`{key}`: {why}"))?;
        match answer.status().as_u16() {
            200 => Ok(Put::Stored),
            409 | 412 => Ok(Put::There),
            status => {
                let said = answer.body_mut().with_config().limit(16 * 1024).read_to_string().unwrap_or_default();
                Err(format!("`{key}` was not taken, status {status}: {}", model::display::visible(&said)))
            }
        }
    }

    fn hold(&self, name: &str) -> Result<(), String> {
        let key = self.key(name);
        let body = br#"<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>ON</Status></LegalHold>"#;
        let digest = BASE64.encode(Digest::of_bytes(body).as_array());
        let headers = [("x-amz-sdk-checksum-algorithm", "SHA256"), ("x-amz-checksum-sha256", digest.as_str())];
        // PutObjectLegalHold is a PUT on the object with this query.
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), &key);
        action.query_mut().insert("legal-hold", "");
        for (name, value) in headers {
            action.headers_mut().insert(name, value);
        }
        let mut request = crate::log::replication::agent().put(action.sign(SIGNED_FOR).as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut answer = request.send(body.as_slice()).map_err(|why| format!("`{key}`: {why}"))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let said = answer.body_mut().with_config().limit(16 * 1024).read_to_string().unwrap_or_default();
        Err(format!(
            "`{key}` was not put under a legal hold, status {}: {}",
            answer.status(),
            model::display::visible(&said)
        ))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let key = self.key(name);
        let url = GetObject::new(&self.bucket, Some(&self.credentials), &key).sign(SIGNED_FOR);
        let mut answer =
            crate::log::replication::agent().get(url.as_str()).call().map_err(|why| format!("`{key}`: {why}"))?;
        match answer.status().as_u16() {
            200 => {
                let bytes = answer.body_mut().with_config().limit(MAX_OBJECT).read_to_vec();
                bytes.map(Some).map_err(|why| format!("`{key}`: {why}"))
            }
            404 => Ok(None),
            status => Err(format!("`{key}` was not given, status {status}")),
        }
    }
}

/// A day so many days from now (RFC 3339).
fn until(days: u32) -> Result<String, String> {
    let ms = host::clock::now_ms().saturating_add(u64::from(days).saturating_mul(86_400_000));
    let seconds = i64::try_from(ms / 1_000).map_err(|why| why.to_string())?;
    jiff::Timestamp::from_second(seconds).map(|at| at.to_string()).map_err(|why| why.to_string())
}

/// The rules of a bucket, for its owner.
pub(super) fn rules(target: &str, writer: &str) -> Result<String, String> {
    let (bucket, prefix) = parts(target)?;
    let all = if prefix.is_empty() { "*".to_owned() } else { format!("{prefix}/*") };
    let rules = json!({
        "versioning": {"Status": "Enabled"},
        "object-lock-configuration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}},
        "lifecycle-configuration": {"Rules": [{"ID": "countersign-cold-after-90-days", "Status": "Enabled",
            "Filter": {"Prefix": if prefix.is_empty() { String::new() } else { format!("{prefix}/payload/") }},
            "Transitions": [{"Days": 90, "StorageClass": "GLACIER_IR"}]}]},
        "policy": {"Version": "2012-10-17", "Statement": [
            {"Sid": "WriterPutsAndReads", "Effect": "Allow", "Principal": {"AWS": writer},
                "Action": ["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObject"], "Resource": format!("arn:aws:s3:::{bucket}/{all}")},
            {"Sid": "WriterDeletesNothing", "Effect": "Deny", "Principal": {"AWS": writer},
                "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutLifecycleConfiguration", "s3:PutBucketPolicy"],
                "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]},
        ]},
    });
    serde_json::to_string_pretty(&rules).map_err(|why| why.to_string())
}

//! People's devices: who they are, the daemon knows; the key by which push services know us is ours.

use host::install_paths::Layout;
use host::{clock, files};
use notification::{PushKey, SecretKey};
use protocol::{OperatorReply, OperatorRequest, PushTarget};

use crate::operator_client::OperatorClient;

/// Devices of this installation.
pub(crate) struct Own {
    link: OperatorClient,
    key: PushKey,
}

impl Own {
    /// Makes the key at the first start, and shows its public half to the web gate.
    pub(crate) fn open(layout: &Layout) -> Result<Self, String> {
        let path = layout.config.join("push.key");
        let secret = files::secret_key(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        let key = PushKey::new(&secret).ok_or_else(|| format!("`{}` is no key; remove it", path.display()))?;
        let public = layout.push_public_key();
        files::replace(&public, key.public().as_bytes(), 0o644)
            .map_err(|why| format!("`{}`: {why}", public.display()))?;
        Ok(Self { link: OperatorClient::new(layout), key })
    }
}

impl notifier::Devices for Own {
    fn all(&self) -> Vec<PushTarget> {
        match self.link.ask(&OperatorRequest::PushTargets) {
            Ok(OperatorReply::PushTargets { targets }) => targets,
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    fn gone(&self, endpoint: &str) {
        let _ = self.link.ask(&OperatorRequest::DropPush { endpoint: endpoint.to_owned() });
    }

    fn key(&self) -> &PushKey {
        &self.key
    }

    fn once(&self) -> Option<(SecretKey, [u8; 16])> {
        // One in four billion is no key.
        let secret = SecretKey::from_slice(&clock::random::<32>().ok()?).ok()?;
        Some((secret, clock::random::<16>().ok()?))
    }
}

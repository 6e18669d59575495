//! Where things live: one directory for trying out, or the XDG directories.

use std::env;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The directories and sockets of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rules, settings, keys of agents.
    pub config: PathBuf,
    /// The daemon's state.
    pub state: PathBuf,
    /// The record.
    pub log: PathBuf,
    /// Sockets.
    pub run: PathBuf,
    /// What belongs to the web gate: its certificate, where it gets one by itself.
    pub web: PathBuf,
}

/// The variable with the name in the address of the web gate's page. Passkeys are bound to it. `localhost` if it is not set.
pub const WEB_HOST_VARIABLE: &str = "COUNTERSIGN_WEB_HOST";

/// Where questions of a certificate authority are answered, unless `certificate.toml` says otherwise: port 80 of every address.
pub const CHALLENGES_AT: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 80);

/// The variable in which `countersign up` gives the daemon the address of the dashboard that it starts.
pub const PAGE_VARIABLE: &str = "COUNTERSIGN_PAGE";

/// The variable that puts everything into one directory.
pub const DIRECTORY_VARIABLE: &str = "COUNTERSIGN_DIR";

/// The variable with the account of the web gate, where it has one of its own: see [`crate::accounts::account`].
pub const WEB_USER_VARIABLE: &str = "COUNTERSIGN_WEB_USER";

/// The files of our own programs, as far as they are known: this one, and those in its directory.
pub fn own_programs() -> Vec<String> {
    let Some(directory) = env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned)) else {
        return Vec::new();
    };
    ["countersign", "countersignd", "countersign-logd", "countersign-gate"]
        .iter()
        .filter_map(|name| directory.join(name).to_str().map(str::to_owned))
        .collect()
}

impl Layout {
    /// Everything under one directory.
    pub fn under(directory: &Path) -> Self {
        Self {
            config: directory.join("config"),
            state: directory.join("state"),
            log: directory.join("log"),
            run: directory.join("run"),
            web: directory.join("web"),
        }
    }

    /// From the environment: `COUNTERSIGN_DIR`, or the XDG base directories, or what they default to.
    ///
    /// # Errors
    /// Neither is set and there is no `HOME`.
    pub fn from_environment() -> Result<Self, String> {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(directory) = absolute(DIRECTORY_VARIABLE) {
            return Ok(Self::under(&directory));
        }
        let home = absolute("HOME");
        let base = |variable: &str, default: &str| {
            absolute(variable).or_else(|| home.as_ref().map(|home| home.join(default))).ok_or_else(|| {
                format!("neither `{DIRECTORY_VARIABLE}`, `{variable}` nor `HOME` is set to an absolute path")
            })
        };
        let state = base("XDG_STATE_HOME", ".local/state")?.join("countersign");
        let config = base("XDG_CONFIG_HOME", ".config")?.join("countersign");
        Ok(Self {
            web: config.join("web"),
            config,
            log: state.join("log"),
            run: absolute("XDG_RUNTIME_DIR").map_or_else(|| state.join("run"), |run| run.join("countersign")),
            state,
        })
    }

    /// The directories of the installation, as they are named and where they really are: what agents do not touch.
    pub fn own(&self) -> Vec<String> {
        let mut own: Vec<String> = Vec::new();
        for directory in [&self.config, &self.state, &self.log, &self.run, &self.web] {
            for path in [Some(directory.clone()), directory.canonicalize().ok()].into_iter().flatten() {
                own.extend(path.to_str().map(str::to_owned).filter(|path| !own.contains(path)));
            }
        }
        own
    }

    /// The socket for agents: it takes requests and nothing else.
    pub fn agent_socket(&self) -> PathBuf {
        self.run.join("agent.sock")
    }

    /// The socket for people's tools.
    pub fn operator_socket(&self) -> PathBuf {
        self.run.join("operator.sock")
    }

    /// The socket for the web gate: it takes what people's browsers ask for, and nothing that changes rules, agents or roles.
    pub fn web_socket(&self) -> PathBuf {
        self.run.join("web.sock")
    }

    /// The socket of the log.
    pub fn log_socket(&self) -> PathBuf {
        self.run.join("log.sock")
    }

    /// The operator's rules.
    pub fn policy(&self) -> PathBuf {
        self.config.join("policy")
    }

    /// The notification channels: chat, e-mail, pagers.
    pub fn channels(&self) -> PathBuf {
        self.config.join("channels.toml")
    }

    /// Single sign-on: which provider, and who is who.
    pub fn signon(&self) -> PathBuf {
        self.config.join("signon.toml")
    }

    /// Certificates over ACME: which authority, and for which names.
    pub fn certificate_settings(&self) -> PathBuf {
        self.web.join("certificate.toml")
    }

    /// The certificate from there, with its chain and its key (PEM): in a directory of its own, which is all that the page's process sees.
    pub fn certificate(&self) -> PathBuf {
        self.web.join("page").join("certificate.pem")
    }

    /// Who we are to the authority.
    pub fn certificate_account(&self) -> PathBuf {
        self.web.join("account.json")
    }

    /// What was fetched of the provider: its addresses and keys. Where the web gate can read, and not write.
    pub fn provider(&self) -> PathBuf {
        self.run.join("provider.json")
    }

    /// The public half of the key by which push services know us.
    pub fn push_public_key(&self) -> PathBuf {
        self.run.join("push.pub")
    }

    /// The public half of the permit key.
    pub fn permit_public_key(&self) -> PathBuf {
        self.run.join("permit.pub")
    }

    /// The address of the dashboard, where one is served. Agents' tools show it to the people who wait.
    pub fn page(&self) -> PathBuf {
        self.run.join("page")
    }

    /// The file with an agent's key.
    pub fn agent_key(&self, agent: &str) -> PathBuf {
        self.config.join("agents").join(format!("{agent}.key"))
    }
}

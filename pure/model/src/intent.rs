//! What a text would really do: operations on resources, the flows between them, and how much of it we worked out.

use std::collections::BTreeSet;

use crate::{Arg, Factor, NonEmpty, words};

words! {
    /// A verb from a closed list.
    Action {
        /// Look at system state that is no file: processes, dates, disk use.
        Inspect = "inspect",
        /// Read a resource.
        Read = "read",
        /// Create or change a resource.
        Write = "write",
        /// Remove a resource.
        Delete = "delete",
        /// Execute code that we could not fully account for.
        Run = "run",
        /// Open a connection and fetch.
        Connect = "connect",
        /// Send data out.
        Send = "send",
        /// Install software.
        Install = "install",
        /// Gain privileges.
        Elevate = "elevate",
        /// Start, stop or signal services and processes.
        Control = "control",
        /// Change who may do what: modes, owners, accounts, keys.
        Permit = "permit",
    }
}

words! {
    /// The fourteen categories of SPEC §3.
    Category {
        /// Only reads.
        ReadOnly = "read_only",
        /// Writes files.
        FsWrite = "fs_write",
        /// Removes or overwrites files.
        FsDestructive = "fs_destructive",
        /// Gains or hands out privileges.
        Privilege = "privilege",
        /// Touches credentials.
        CredentialAccess = "credential_access",
        /// Talks to the network.
        NetworkEgress = "network_egress",
        /// Runs code from elsewhere or from text.
        RemoteCode = "remote_code",
        /// Installs packages.
        PackageInstall = "package_install",
        /// Changes history of version control.
        VcsHistory = "vcs_history",
        /// Touches databases.
        Database = "database",
        /// Containers and orchestration.
        ContainerOrchestration = "container_orchestration",
        /// Cloud and infrastructure as code.
        CloudIac = "cloud_iac",
        /// Services and processes.
        ServiceProcessControl = "service_process_control",
        /// Survives a restart: cron, units, keys, profiles, security settings.
        PersistenceConfig = "persistence_config",
    }
}

words! {
    /// Whether it can be undone (SPEC §3.1), best to worst.
    Reversibility {
        /// Nothing to undo, or undone at once.
        Reversible = "reversible",
        /// Undone with effort.
        Effort = "effort",
        /// Undone in part.
        Partial = "partial",
        /// Not undone.
        Irreversible = "irreversible",
    }
}

/// What an operation is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A path, absolute where the working directory is known.
    Path(String),
    /// A set of paths.
    Pattern(String),
    /// A network host.
    Host(String),
    /// A program.
    Program(String),
    /// A package.
    Package(String),
    /// A service or process.
    Service(String),
    /// A tool of an agent host or MCP server.
    Tool(String),
    /// A database, table or statement target.
    Database(String),
    /// The system at large.
    System,
    /// An unknown part, with its text.
    Unknown(String),
}

impl Resource {
    /// The kind as a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Path(_) => "path",
            Self::Pattern(_) => "paths",
            Self::Host(_) => "host",
            Self::Program(_) => "program",
            Self::Package(_) => "package",
            Self::Service(_) => "service",
            Self::Tool(_) => "tool",
            Self::Database(_) => "database",
            Self::System => "system",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The name of the thing.
    pub fn text(&self) -> &str {
        match self {
            Self::Path(text)
            | Self::Pattern(text)
            | Self::Host(text)
            | Self::Program(text)
            | Self::Package(text)
            | Self::Service(text)
            | Self::Tool(text)
            | Self::Database(text)
            | Self::Unknown(text) => text,
            Self::System => "this machine",
        }
    }
}

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Under which heading it is judged.
    pub category: Category,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// Whether it goes through a whole tree (`-r`).
    pub recursive: bool,
}

/// A part that we could not account for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The part of the text.
    pub text: String,
    /// The reason.
    pub why: String,
}

/// How much of a text the intent accounts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Full,
    /// Not these parts.
    Partial(NonEmpty<Unknown>),
}

impl Coverage {
    /// Coverage from the list of what is unknown.
    pub fn of(unknowns: Vec<Unknown>) -> Self {
        NonEmpty::from_vec(unknowns).map_or(Self::Full, Self::Partial)
    }

    /// `full` or `partial`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial(_) => "partial",
        }
    }
}

/// The directory that a part of a text runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Directory {
    /// The one that the text as a whole runs in.
    #[default]
    Start,
    /// Another, absolute: an earlier part or a wrapper goes there.
    Moved(String),
    /// Not known before it runs.
    Unknown,
}

/// One simple command (or tool call) of the text. Each must stand on its own before the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The argument vector as the text gives it.
    pub argv: Vec<Arg>,
    /// What it would do.
    pub operations: Vec<Operation>,
    /// What in it could not be accounted for.
    pub unknowns: Vec<Unknown>,
    /// Named observations that weigh on the risk.
    pub factors: Vec<Factor>,
    /// The shell does more than run the vector: it redirects into files or sets variables for it.
    pub dressed: bool,
    /// Something comes in on its standard input: from the text, a file, or the command before.
    pub fed: bool,
    /// The wrappers it was found inside, outermost first.
    pub wrappers: Vec<String>,
    /// The directory that it runs in.
    pub directory: Directory,
    /// Where the program was found, if that is not one of the system's own places.
    pub found_at: Option<String>,
}

impl Segment {
    /// The vector as one line, for people.
    pub fn line(&self) -> String {
        self.argv.iter().map(Arg::text).collect::<Vec<_>>().join(" ")
    }

    /// How much of it is accounted for.
    pub fn coverage(&self) -> Coverage {
        Coverage::of(self.unknowns.clone())
    }

    /// The categories of its operations.
    pub fn categories(&self) -> BTreeSet<Category> {
        self.operations.iter().map(|operation| operation.category).collect()
    }

    /// The worst reversibility among its operations.
    pub fn reversibility(&self) -> Reversibility {
        self.operations.iter().map(|operation| operation.reversibility).max().unwrap_or(Reversibility::Reversible)
    }
}

/// Data that would go from one resource into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// From here.
    pub from: Resource,
    /// Into this.
    pub into: Resource,
}

/// Everything that one request would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// The commands, in the order of the text.
    pub segments: Vec<Segment>,
    /// The flows between what they touch.
    pub flows: Vec<Flow>,
    /// What of the text as a whole could not be accounted for.
    pub unknowns: Vec<Unknown>,
    /// Observations on the text as a whole.
    pub factors: Vec<Factor>,
}

impl Intent {
    /// How much of the whole text is accounted for.
    pub fn coverage(&self) -> Coverage {
        let parts = self.segments.iter().flat_map(|segment| segment.unknowns.iter());
        Coverage::of(self.unknowns.iter().chain(parts).cloned().collect())
    }

    /// All operations in order.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.segments.iter().flat_map(|segment| segment.operations.iter())
    }

    /// The worst reversibility of all.
    pub fn reversibility(&self) -> Reversibility {
        self.segments.iter().map(Segment::reversibility).max().unwrap_or(Reversibility::Reversible)
    }
}

//! Which file it is that would run, and what is in it: what an approval is bound to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use model::{Act, ByteText, Digest, Exec, FileIdentity};

use crate::facts;
use crate::sealed::{Bound, PROGRAM_OPTIONS};

/// The largest executable or script that is hashed, in bytes. A larger one cannot be bound, so it is refused.
pub const MAX_BOUND_BYTES: u64 = 1024 * 1024 * 1024;

/// The longest file of which the bytes are kept, to be given to an interpreter as they were hashed. A longer one is read by its path.
const MAX_SEALED_BYTES: usize = 64 * 1024 * 1024;

/// Why an act cannot be described to the byte.
#[derive(Debug)]
pub enum Unbound {
    /// No such program.
    NotFound(String),
    /// A file could not be read or is too large.
    File(PathBuf, io::Error),
    /// There is no working directory.
    Directory(io::Error),
}

impl std::fmt::Display for Unbound {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(name) => write!(out, "no program `{name}` on the search path"),
            Self::File(path, why) => write!(out, "`{}` cannot be bound to an approval: {why}", path.display()),
            Self::Directory(why) => write!(out, "there is no working directory: {why}"),
        }
    }
}

impl std::error::Error for Unbound {}

/// An act of execution, observed, with the open file that will be executed.
#[derive(Debug)]
pub struct ResolvedExec {
    /// The act.
    pub act: Act,
    /// The executable, open.
    pub executable: File,
    /// It is a `#!` script, which the kernel must be given by path.
    pub is_script: bool,
    /// The files that an interpreter reads as code, as they were hashed.
    pub bound: Vec<Bound>,
    /// The environment it will get.
    pub environment: Vec<(OsString, OsString)>,
}

/// Looks at what executing `argv` in this environment would execute.
///
/// # Errors
/// Something in it cannot be found, read or bound.
pub fn observe(argv: &[OsString], environment: Vec<(OsString, OsString)>) -> Result<ResolvedExec, Unbound> {
    let cwd = std::env::current_dir().map_err(Unbound::Directory)?;
    let program = argv.first().ok_or_else(|| Unbound::NotFound(String::new()))?;
    let search =
        environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.to_string_lossy().into_owned());
    let name = program.to_str().ok_or_else(|| Unbound::NotFound(program.to_string_lossy().into_owned()))?;
    let path = facts::resolve(name, search.as_deref().unwrap_or(facts::DEFAULT_PATH))
        .ok_or_else(|| Unbound::NotFound(name.to_owned()))?;
    let path = fs::canonicalize(&path).map_err(|why| Unbound::File(path.clone(), why))?;
    let (executable, identity, bytes) = bind(&path)?;
    let is_script = bytes.starts_with(b"#!");
    drop(bytes);
    let (mut scripts, mut bound) = (Vec::new(), Vec::new());
    for (word, operand) in argv.iter().enumerate().skip(1) {
        let option = glued_option(operand);
        let Some(operand) = operand.as_bytes().get(option..).map(OsStr::from_bytes) else { continue };
        let candidate = cwd.join(operand);
        if operand.as_bytes().starts_with(b"-") || !fs::metadata(&candidate).is_ok_and(|found| found.is_file()) {
            continue;
        }
        if runs_files(&path) || is_executable(&candidate) {
            let real = fs::canonicalize(&candidate).map_err(|why| Unbound::File(candidate.clone(), why))?;
            let (_, identity, bytes) = bind(&real)?;
            scripts.push(identity);
            if bytes.len() <= MAX_SEALED_BYTES {
                bound.push(Bound { word, option, bytes });
            }
        }
    }
    let exec = Exec {
        argv: argv.iter().map(|word| ByteText::new(word.as_bytes())).collect(),
        cwd: ByteText::new(cwd.into_os_string().into_vec()),
        environment: digest_environment(&environment),
        variables: None,
        executable: identity,
        scripts,
    };
    Ok(ResolvedExec { act: Act::Exec(exec), executable, is_script, bound, environment })
}

/// The digest of an environment: every `NAME=value` with a zero byte behind it, sorted.
pub fn digest_environment(environment: &[(OsString, OsString)]) -> Digest {
    let mut lines: Vec<Vec<u8>> =
        environment.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat()).collect();
    lines.sort();
    Digest::of_bytes(&lines.concat())
}

/// Whether a program is known to read the files named on its command line as code. For one that is not listed only
/// operands that are executable are bound (`docs/explain/gaps.md`, row 5): binding every file would refuse each reader of a
/// file that grows meanwhile.
fn runs_files(program: &Path) -> bool {
    let name = program.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned();
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    const READERS: &[&str] = &[
        "sh",
        "bash",
        "dash",
        "ash",
        "zsh",
        "ksh",
        "fish",
        "busybox",
        "env",
        "python",
        "pypy",
        "perl",
        "ruby",
        "node",
        "nodejs",
        "deno",
        "bun",
        "php",
        "lua",
        "make",
        "gmake",
        "ninja",
        "just",
        "awk",
        "gawk",
        "mawk",
        "sed",
        "psql",
        "mysql",
        "sqlite",
        "expect",
        "tclsh",
        "sudo",
        "nice",
        "nohup",
        "timeout",
        "setsid",
        "stdbuf",
        "xargs",
        "time",
        "flock",
        "R",
        "Rscript",
        "julia",
        "java",
        "pwsh",
        "tofu",
        "terraform",
        "ansible-playbook",
    ];
    READERS.contains(&family) || READERS.contains(&name.as_str())
}

/// How much of a word is an option that names a file read as code and has its value in the same word: `-fprog`, `--file=prog`.
fn glued_option(word: &OsStr) -> usize {
    let bytes = word.as_bytes();
    let glued = |option: &&&str| bytes.starts_with(option.as_bytes()) && bytes.len() > option.len();
    let option = PROGRAM_OPTIONS.iter().filter(glued).map(|it| it.len()).max();
    match option {
        Some(2) if !bytes.starts_with(b"--") => 2,
        Some(length) if bytes.get(length) == Some(&b'=') => length.saturating_add(1),
        Some(_) | None => 0,
    }
}

fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Opens a file and says which one it is and what is in it. Identity and content are those of the open file.
fn bind(path: &Path) -> Result<(File, FileIdentity, Vec<u8>), Unbound> {
    let failed = |why: io::Error| Unbound::File(path.to_owned(), why);
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() || found.len() > MAX_BOUND_BYTES {
        return Err(failed(io::Error::other("no regular file, or too large to hash")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    file.read_to_end(&mut bytes).map_err(failed)?;
    let changed_ns =
        i128::from(found.ctime()).saturating_mul(1_000_000_000).saturating_add(i128::from(found.ctime_nsec()));
    let identity = FileIdentity {
        path: ByteText::new(path.as_os_str().as_bytes()),
        device: found.dev(),
        inode: found.ino(),
        size: found.len(),
        changed_ns,
        sha256: Digest::of_bytes(&bytes),
    };
    Ok((file, identity, bytes))
}

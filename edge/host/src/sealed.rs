//! What an interpreter is given is executed from the bytes that were hashed: a sealed copy in memory takes the place of the file, so
//! that nothing that is put in its place after the last look is run.
//!
//! The interpreter gets the requested path, as far as it has a way to take it: `$0` of a shell, `__file__` and the place of
//! imports of Python, `$0` and `__FILE__` of Perl. Where it has none, and the script asks for its own place (`BASH_SOURCE`), and for
//! interpreters that are not here, the file is read by its path (`docs/explain/gaps.md`, row 4).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A file that was bound to an act, by its place in the argument vector.
#[derive(Debug)]
pub struct Bound {
    /// Which word names it.
    pub word: usize,
    /// The part of that word before the path: nothing, or an option.
    pub option: usize,
    /// The bytes that were hashed.
    pub bytes: Vec<u8>,
}

/// An argument vector with sealed copies in place of files.
pub(crate) struct Sealed {
    pub(crate) argv: Vec<OsString>,
    /// The copies, open for the child that inherits them.
    pub(crate) copies: Vec<OwnedFd>,
}

/// Which language an interpreter reads, and how it learns the path of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Python,
    Bash,
    Shell,
    Perl,
    /// Its programs are named by an option, and know nothing of their place.
    ByOption,
    Make,
}

impl Family {
    fn of(program: &OsStr) -> Option<Self> {
        let name = program.to_string_lossy();
        let name = name.rsplit('/').next().unwrap_or("");
        match name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-') {
            "python" | "pypy" => Some(Self::Python),
            "bash" => Some(Self::Bash),
            "sh" | "dash" | "ash" => Some(Self::Shell),
            "perl" => Some(Self::Perl),
            "awk" | "gawk" | "mawk" | "nawk" | "sed" => Some(Self::ByOption),
            "make" | "gmake" => Some(Self::Make),
            _ => None,
        }
    }

    /// Options that take the next word for their value.
    const fn values(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["-W", "-X", "--check-hash-based-pycs"],
            Self::Bash | Self::Shell => &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
            Self::Perl => &["-I"],
            Self::ByOption | Self::Make => &[],
        }
    }

    /// Options with their value in the same word.
    const fn glued(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["-W", "-X"],
            Self::Perl => &["-I", "-M", "-m", "-i", "-d", "-C", "-D"],
            Self::Bash | Self::Shell | Self::ByOption | Self::Make => &[],
        }
    }

    /// Letters after which there is no script: the code is in the words, or comes in.
    const fn without_script(self) -> &'static str {
        match self {
            Self::Python => "cm",
            Self::Bash | Self::Shell => "cs",
            Self::Perl => "eE",
            Self::ByOption | Self::Make => "",
        }
    }
}

/// Puts sealed copies in place of what an interpreter reads as code.
///
/// # Errors
/// The kernel makes no such copy.
pub(crate) fn seal(executable: &OsStr, argv: &[OsString], bound: &[Bound]) -> io::Result<Sealed> {
    let unchanged = || Sealed { argv: argv.to_vec(), copies: Vec::new() };
    // A shell that was asked for as `sh` reads as one, whatever file it is.
    let asked = argv.first().map(OsString::as_os_str).and_then(Family::of);
    let Some(family) = asked.or_else(|| Family::of(executable)) else { return Ok(unchanged()) };
    match family {
        Family::ByOption | Family::Make => by_option(family, argv, bound),
        Family::Python | Family::Bash | Family::Shell | Family::Perl => {
            let script = script_word(family, argv).and_then(|word| bound.iter().find(|it| it.word == word));
            match script.filter(|it| is_source(&it.bytes)) {
                Some(script) => by_word(family, argv, script).map(|sealed| sealed.unwrap_or_else(unchanged)),
                None => Ok(unchanged()),
            }
        }
    }
}

/// The word that names the script.
fn script_word(family: Family, argv: &[OsString]) -> Option<usize> {
    let mut words = argv.iter().enumerate().skip(1);
    while let Some((at, word)) = words.next() {
        let bytes = word.as_bytes();
        if word == "--" {
            return words.next().map(|(at, _)| at);
        }
        if word == "-" {
            return None;
        }
        let option = bytes.starts_with(b"-") || (bytes.starts_with(b"+") && family != Family::Python);
        if !option {
            return Some(at);
        }
        if family.values().iter().any(|it| word == *it) {
            words.next();
        } else if family.glued().iter().any(|it| bytes.starts_with(it.as_bytes())) {
            continue;
        } else if !bytes.starts_with(b"--") && bytes.iter().any(|it| family.without_script().as_bytes().contains(it)) {
            return None;
        }
    }
    None
}

/// A text, not an archive or compiled code that the interpreter knows by its first bytes.
fn is_source(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && !bytes.starts_with(b"PK")
}

fn by_word(family: Family, argv: &[OsString], script: &Bound) -> io::Result<Option<Sealed>> {
    let Some((before, [path, after @ ..])) = argv.split_at_checked(script.word) else { return Ok(None) };
    let Some(text) = path.to_str().filter(|it| it.chars().all(is_plain)) else { return Ok(None) };
    let mut words = before.to_vec();
    let copy = match family {
        Family::Python => {
            let copy = copy(&[&script.bytes])?;
            words.extend(["-c".into(), PYTHON.replace("FD", &copy.as_raw_fd().to_string()).into(), path.clone()]);
            copy
        }
        Family::Bash => {
            if contains(&script.bytes, b"BASH_SOURCE") {
                return Ok(None);
            }
            let copy = copy(&[format!("BASH_ARGV0='{text}';").as_bytes(), &script.bytes])?;
            words.push(named(&copy));
            copy
        }
        Family::Shell => {
            let copy = copy(&[&script.bytes])?;
            let mut source = OsString::from(". ");
            source.push(named(&copy));
            words.extend(["-c".into(), source, path.clone()]);
            copy
        }
        Family::Perl => {
            let first =
                script.bytes.iter().position(|it| *it == b'\n').map_or(script.bytes.len(), |at| at.saturating_add(1));
            let (head, rest) = match script.bytes.starts_with(b"#!") {
                true => script.bytes.split_at(first.min(script.bytes.len())),
                false => (&b""[..], script.bytes.as_slice()),
            };
            let line = if head.is_empty() { 1 } else { 2 };
            let told = format!("BEGIN{{$0='{text}'}}\n#line {line} \"{text}\"\n");
            let copy = copy(&[head, told.as_bytes(), rest])?;
            words.push(named(&copy));
            copy
        }
        Family::ByOption | Family::Make => return Ok(None),
    };
    words.extend(after.iter().cloned());
    Ok(Some(Sealed { argv: words, copies: vec![copy] }))
}

/// Python with the path of its script: as if it had been given the file.
const PYTHON: &str = "import sys as _s, os as _o
with _o.fdopen(FD, 'rb') as _f: _c = _f.read()
del _s.argv[0]
__file__ = _s.argv[0]
if not (_s.flags.isolated or getattr(_s.flags, 'safe_path', False)): _s.path[0] = _o.path.dirname(_o.path.realpath(__file__))
_c = compile(_c, __file__, 'exec', 0, True)
del _s, _o, _f
exec((lambda c: (globals().pop('_c'), c)[1])(_c))
";

fn by_option(family: Family, argv: &[OsString], bound: &[Bound]) -> io::Result<Sealed> {
    let mut sealed = Sealed { argv: argv.to_vec(), copies: Vec::new() };
    for script in bound.iter().filter(|it| is_source(&it.bytes)) {
        let after_option = script.word.checked_sub(1).and_then(|at| argv.get(at));
        let is_program =
            script.option > 0 || after_option.is_some_and(|it| PROGRAM_OPTIONS.iter().any(|option| it == *option));
        let Some(word) = sealed.argv.get_mut(script.word).filter(|_| is_program) else { continue };
        let bytes = word.as_bytes().to_vec();
        let Some((option, path)) = bytes.split_at_checked(script.option) else { continue };
        let copy = match family {
            // It may ask where it is, by the list of makefiles.
            Family::Make => copy(&[b"MAKEFILE_LIST := ", path, b"\n", &script.bytes])?,
            Family::ByOption | Family::Python | Family::Bash | Family::Shell | Family::Perl => copy(&[&script.bytes])?,
        };
        let mut place = OsString::from_vec(option.to_vec());
        place.push(named(&copy));
        *word = place;
        sealed.copies.push(copy);
    }
    Ok(sealed)
}

/// Options whose value is a file that is read as code.
pub(crate) const PROGRAM_OPTIONS: &[&str] = &["-f", "--file", "--makefile", "-E", "--exec", "-i", "--include"];

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ' ' | ',' | '=')
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|it| it == word)
}

/// The path of a copy for the process that inherits it.
fn named(copy: &OwnedFd) -> OsString {
    format!("/proc/self/fd/{}", copy.as_raw_fd()).into()
}

/// A copy that no process can change, and that the child inherits.
fn copy(parts: &[&[u8]]) -> io::Result<OwnedFd> {
    let copy = memfd_create(c"countersign", MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(copy);
    for part in parts {
        file.write_all(part)?;
    }
    let copy = OwnedFd::from(file);
    fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    rustix::fs::seek(&copy, rustix::fs::SeekFrom::Start(0))?;
    Ok(copy)
}

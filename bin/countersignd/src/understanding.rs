//! Reading a request: what it would do, with the facts that this takes, looked up by us and not by the caller.

use std::collections::BTreeMap;
use std::path::Path;

use host::facts::{self, DEFAULT_PATH};
use host::git_repository::{Project, project_of};
use host::install_paths::Layout;
use host::stack;
use model::{Act, Action, Digest, Fact, FactQuery, Facts, FileKind, Intent, Request, Resource, Step};
use understand::{Inherited, Shell, Subject, Surroundings};

/// A text this short with this few openers is read on the thread at hand; any other on one with a large stack.
const SMALL_TEXT_BYTES: usize = 2_048;

/// What was understood, and on what facts.
pub(crate) struct Read {
    pub(crate) intent: Intent,
    pub(crate) facts: Facts,
    /// The home of the asking user.
    pub(crate) home: Option<String>,
    /// The project that it is about.
    pub(crate) project: Option<Project>,
}

/// What is ours: agents do not touch it.
pub(crate) struct Own {
    data: Vec<String>,
    programs: Vec<String>,
}

impl Own {
    /// What an installation and this program are made of.
    pub(crate) fn of(layout: &Layout) -> Self {
        Self { data: layout.own(), programs: host::install_paths::own_programs() }
    }
}

/// Understands a request.
///
/// # Errors
/// It took too many rounds, or reading it failed. The request is refused.
pub(crate) fn read(request: &Request, environment: &BTreeMap<String, String>, own: &Own) -> Result<Read, String> {
    let home = host::homes::home_of(request.seen.uid);
    let search = request.claims.search_path.as_deref().unwrap_or(DEFAULT_PATH);
    let mut known = Facts::default();
    let (argv, cwd, tool) = match &request.act {
        Act::Exec(exec) => {
            let words: Option<Vec<String>> = exec.argv.iter().map(|word| word.as_text().map(str::to_owned)).collect();
            let words = words.ok_or("an argument is not UTF-8, so it cannot be understood")?;
            // The caller resolved the program, and the permit is bound to that file.
            if let (Some(name), Some(path)) = (words.first(), exec.executable.path.as_text()) {
                known.learn(FactQuery::Program(name.clone()), Fact::Program(Some(path.to_owned())));
            }
            (Some(words), exec.cwd.as_text().map(str::to_owned), None)
        }
        Act::Tool(call) => (None, call.cwd.clone(), Some((call.tool.as_str(), &call.input))),
    };
    let may_be_project = |root: &str| understand::places::may_be_project(root, home.as_deref());
    let project = cwd.as_deref().and_then(|cwd| project_of(Path::new(cwd), &may_be_project));
    let around = Surroundings {
        cwd: cwd.as_deref(),
        home: home.as_deref(),
        project: project.as_ref().map(|it| it.root.as_str()),
        own: &own.data,
        own_programs: &own.programs,
        shell: shell_of(&request.act),
    };
    let variables = inherited(&request.act, environment);
    let variables: Vec<Inherited<'_>> =
        variables.iter().map(|(name, value)| Inherited { name, value: value.as_deref() }).collect();
    let subject = match (&argv, tool) {
        (Some(words), _) => Subject::Exec(words, &variables),
        (None, Some((name, input))) => Subject::Tool(name, input),
        (None, None) => return Err("there is nothing to read".to_owned()),
    };
    let mut look = |query: &FactQuery| facts::look(query, search);
    let mut small = is_small(&request.act);
    while small {
        match understand::understand(subject, around, &known) {
            Step::Done(intent) => {
                bind_code(&intent, &mut known, &mut look);
                return Ok(Read { intent, facts: known, home, project });
            }
            // A script can be any size, so it is read on the large stack.
            Step::Need(queries) if queries.iter().any(|query| matches!(query, FactQuery::File(_))) => small = false,
            Step::Need(queries) => queries.iter().for_each(|query| known.learn(query.clone(), look(query))),
        }
    }
    let intent = stack::on_large_stack(|| understand::settle(subject, around, &mut known, &mut look));
    let intent = intent.map_err(|why| format!("it could not be read: {why}"))?;
    bind_code(&intent, &mut known, &mut look);
    Ok(Read { intent, facts: known, home, project })
}

/// The most files of one text that are bound because they are run.
const MAX_BOUND: usize = 32;

/// Looks at every file that is read as code, so that another one in its place is a change: one that is named as such, those that a
/// command reads which runs something, and all where something runs what comes in. What only is data is left out: logs grow.
fn bind_code(intent: &Intent, known: &mut Facts, look: &mut dyn FnMut(&FactQuery) -> Fact) {
    let runs_input = intent.segments.iter().flat_map(|it| &it.factors).any(|it| it.name == "code_from_input");
    let mut left = MAX_BOUND;
    for segment in &intent.segments {
        let runs = segment.operations.iter().any(|it| it.action == Action::Run);
        for operation in &segment.operations {
            let Resource::Path(path) = &operation.resource else { continue };
            let is_code = operation.action == Action::Run || (operation.action == Action::Read && (runs || runs_input));
            let query = FactQuery::File(path.clone());
            if !is_code || !path.starts_with('/') || known.find(&query).is_some() {
                continue;
            }
            let Some(fewer) = left.checked_sub(1) else { return };
            left = fewer;
            let fact = look(&query);
            known.learn(query, fact);
        }
    }
}

/// The shell that runs the text of a call, as its enforcement point says. A program that is executed says it itself.
fn shell_of(act: &Act) -> Shell {
    match act {
        Act::Tool(call) => call.shell.as_deref().map_or(Shell::Unknown, Shell::of_program),
        Act::Exec(_) => Shell::Unknown,
    }
}

/// Our own environment: what the operator started us with. A variable that has the same value for an agent is no agent's doing.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that an act would get, but those that are as we have them. A name or a value that is not UTF-8 is not known.
fn inherited(act: &Act, own: &BTreeMap<String, String>) -> Vec<(String, Option<String>)> {
    let variables = match act {
        Act::Exec(exec) => exec.variables.as_deref().unwrap_or(&[]),
        Act::Tool(_) => &[],
    };
    let pair = |it: &model::Variable| {
        let name = String::from_utf8_lossy(it.name.as_bytes()).into_owned();
        (name, it.value.as_ref().and_then(|value| value.as_text().map(str::to_owned)))
    };
    let all = variables.iter().map(pair);
    all.filter(|(name, value)| value.is_none() || own.get(name) != value.as_ref()).collect()
}

fn is_small(act: &Act) -> bool {
    let input;
    let texts: Vec<&[u8]> = match act {
        Act::Exec(exec) => exec.argv.iter().map(model::ByteText::as_bytes).collect(),
        Act::Tool(call) => {
            input = call.input.to_string();
            vec![input.as_bytes()]
        }
    };
    texts.iter().map(|text| text.len()).sum::<usize>() <= SMALL_TEXT_BYTES
        && texts.iter().map(|text| openers(text)).sum::<usize>() <= 32
}

fn openers(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b'(' | b'{' | b'`' | b'[' | b'$' | b'!')).count()
}

/// What has changed since the facts were looked up: the files whose content the decision rests on.
pub(crate) fn changed_since(read: &Facts) -> Option<String> {
    read.iter().find_map(|(query, fact)| match (query, fact) {
        (FactQuery::File(path), Fact::File(FileKind::Text(_, digest))) => {
            let now = match facts::look(query, DEFAULT_PATH) {
                Fact::File(FileKind::Text(_, now)) => Some(now),
                Fact::File(FileKind::Missing | FileKind::Directory | FileKind::Opaque)
                | Fact::Program(_)
                | Fact::RealPath(_)
                | Fact::Names(_)
                | Fact::Unseen
                | Fact::Unknown => None,
            };
            (now != Some(*digest)).then(|| path.clone())
        }
        (FactQuery::RealPath(path), Fact::RealPath(real)) => {
            (facts::look(query, DEFAULT_PATH) != Fact::RealPath(real.clone())).then(|| path.clone())
        }
        // What could not be looked at then, and can now, was not what was decided on.
        (FactQuery::RealPath(path) | FactQuery::File(path), Fact::Unseen) => {
            (facts::look(query, DEFAULT_PATH) != Fact::Unseen).then(|| path.clone())
        }
        _ => None,
    })
}

/// A script that we read otherwise than the caller bound it.
pub(crate) fn disagrees(request: &Request, facts: &Facts) -> Option<String> {
    let Act::Exec(exec) = &request.act else { return None };
    let bound = |path: &str| -> Option<Digest> {
        let files = exec.scripts.iter().chain([&exec.executable]);
        files.into_iter().find(|file| file.path.as_text() == Some(path)).map(|file| file.sha256)
    };
    facts.iter().find_map(|(query, fact)| match (query, fact) {
        (FactQuery::File(path), Fact::File(FileKind::Text(_, digest))) => {
            bound(path).filter(|claimed| claimed != digest).map(|_| path.clone())
        }
        _ => None,
    })
}

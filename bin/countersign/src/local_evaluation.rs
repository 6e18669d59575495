//! Reading and judging in the caller's own process, with what this machine shows the caller.

use std::cell::RefCell;
use std::path::Path;

use host::git_repository::Project;
use host::install_paths::Layout;
use host::{facts, git_repository};
use model::{Digest, Facts, Intent, RequestDigest};
use pdp::{Decision, Policy, Situation};
use understand::{Shell, Subject, Surroundings};

/// Looks things up for texts that are judged here.
pub(crate) struct Reader {
    /// The repository that was looked up last, by working directory.
    projects: RefCell<Option<(String, Option<Project>)>>,
    home: Option<String>,
    here: Option<String>,
    search: String,
    /// What is ours, where agents do not go.
    own: Vec<String>,
    own_programs: Vec<String>,
}

/// A text that was read, and where it would be run.
pub(crate) struct Read {
    pub(crate) intent: Intent,
    cwd: Option<String>,
    project: Option<Project>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            projects: RefCell::default(),
            // The account's, as the daemon takes it. `HOME` is the caller's word.
            home: host::homes::home_of(host::files::my_uid()),
            here: std::env::current_dir().ok().and_then(|here| here.to_str().map(str::to_owned)),
            search: std::env::var("PATH").unwrap_or_else(|_| facts::DEFAULT_PATH.to_owned()),
            own: Layout::from_environment().map(|layout| layout.own()).unwrap_or_default(),
            own_programs: host::install_paths::own_programs(),
        }
    }

    /// Reads a text as if in a directory (ours, if none is given), for the shell that would run it.
    pub(crate) fn read(&self, subject: Subject<'_>, cwd: Option<&str>, shell: Shell) -> Read {
        let cwd = cwd.or(self.here.as_deref());
        let project = self.project(cwd);
        let around = Surroundings {
            cwd,
            home: self.home.as_deref(),
            project: project.as_ref().map(|it| it.root.as_str()),
            own: &self.own,
            own_programs: &self.own_programs,
            shell,
        };
        let intent =
            understand::settle(subject, around, &mut Facts::default(), &mut |query| facts::look(query, &self.search));
        Read { intent, cwd: cwd.map(str::to_owned), project }
    }

    fn project(&self, cwd: Option<&str>) -> Option<Project> {
        let cwd = cwd?;
        let mut known = self.projects.borrow_mut();
        match &*known {
            Some((at, project)) if at == cwd => project.clone(),
            Some(_) | None => {
                let may_be = |root: &str| understand::places::may_be_project(root, self.home.as_deref());
                let project = git_repository::project_of(Path::new(cwd), &may_be);
                *known = Some((cwd.to_owned(), project.clone()));
                project
            }
        }
    }

    /// Where and when, as far as it is known here.
    pub(crate) fn situation<'a>(&'a self, read: &'a Read, agent: Option<&'a str>, now_ms: u64) -> Situation<'a> {
        Situation {
            agent,
            cwd: read.cwd.as_deref(),
            project: read.project.as_ref().map(|it| it.root.as_str()),
            branch: read.project.as_ref().and_then(|it| it.branch.as_deref()),
            home: self.home.as_deref(),
            now_ms,
            ..Situation::default()
        }
    }

    /// Judges what was read.
    pub(crate) fn decide(
        &self,
        policy: &Policy,
        text: &str,
        read: &Read,
        agent: Option<&str>,
        now_ms: u64,
    ) -> Decision {
        let request = RequestDigest::carried(Digest::within("countersign/check/v1", text.as_bytes()));
        pdp::evaluate(request, &read.intent, &self.situation(read, agent, now_ms), policy)
    }
}

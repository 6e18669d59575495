//! The project that a working directory is in.

use std::path::{Path, PathBuf};

/// A project that a directory is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its root, absolute.
    pub root: String,
    /// The branch that is checked out; none where `HEAD` is detached or cannot be read.
    pub branch: Option<String>,
}

/// The longest `HEAD` or `.git` file that is read.
const MAX_HEAD_BYTES: u64 = 4_096;

/// Files by which a directory is a project, where no repository says so.
const MANIFESTS: &[&str] = &[
    "package.json",
    "Cargo.toml",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "Makefile",
    "CMakeLists.txt",
    "meson.build",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "rebar.config",
    "deno.json",
    "Package.swift",
    "build.sbt",
    "stack.yaml",
    "dune-project",
    "pubspec.yaml",
    "justfile",
    "MODULE.bazel",
    "WORKSPACE",
    "flake.nix",
    "project.clj",
    "deps.edn",
    "build.zig",
];

/// The project that a directory is in: the nearest repository, or the directory itself where a manifest is in it. `may`
/// says which directories can be one at all: what is in them does not make a home or a part of the system a project.
pub fn project_of(cwd: &Path, may: &dyn Fn(&str) -> bool) -> Option<Project> {
    let cwd = cwd.canonicalize().ok()?;
    let allowed = |dir: &Path| dir.to_str().is_some_and(may);
    let repository = cwd.ancestors().find(|dir| dir.join(".git").exists()).filter(|dir| allowed(dir));
    let Some(root) = repository else {
        let is_project = allowed(&cwd) && !is_installed(&cwd) && MANIFESTS.iter().any(|name| cwd.join(name).is_file());
        return is_project.then(|| cwd.to_str().map(|root| Project { root: root.to_owned(), branch: None })).flatten();
    };
    let text = |path: PathBuf| {
        let bytes = crate::files::read_small(&path, MAX_HEAD_BYTES).ok().flatten()?;
        String::from_utf8(bytes).ok()
    };
    let dot_git = root.join(".git");
    let directory = if dot_git.is_dir() {
        Some(dot_git)
    } else {
        text(dot_git).and_then(|text| text.trim().strip_prefix("gitdir:").map(|path| root.join(path.trim())))
    };
    let branch = directory
        .and_then(|directory| text(directory.join("HEAD")))
        .and_then(|head| head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned));
    Some(Project { root: root.to_str()?.to_owned(), branch })
}

/// Whether a directory is where programs install what they depend on: its manifest is another's.
fn is_installed(dir: &Path) -> bool {
    dir.components().filter_map(|part| part.as_os_str().to_str()).any(|part| {
        part.starts_with('.') || matches!(part, "node_modules" | "site-packages" | "dist-packages" | "vendor" | "gems")
    })
}

#[cfg(test)]
mod tests {
    use super::project_of;
    use std::fs;

    #[test]
    fn a_project_is_the_nearest_repository_or_where_a_manifest_is_and_never_what_may_not_be_one() {
        let top = std::env::temp_dir().join(format!("countersign-project-{}", std::process::id()));
        fs::create_dir_all(top.join("a/.git")).unwrap();
        fs::create_dir_all(top.join("a/b/c")).unwrap();
        fs::write(top.join("a/.git/HEAD"), "ref: refs/heads/topic/x\n").unwrap();
        let found = project_of(&top.join("a/b/c"), &|_| true).unwrap();
        assert_eq!(found.root, top.canonicalize().unwrap().join("a").to_str().unwrap());
        assert_eq!(found.branch.as_deref(), Some("topic/x"));
        fs::write(top.join("a/.git/HEAD"), "0123456789012345678901234567890123456789\n").unwrap();
        assert_eq!(project_of(&top.join("a"), &|_| true).unwrap().branch, None);
        let repository = top.canonicalize().unwrap().join("a");
        let not_it = |dir: &str| repository.to_str() != Some(dir);
        assert_eq!(project_of(&top.join("a/b/c"), &not_it), None);
        fs::write(top.join("a/b/c/go.mod"), "module x\n").unwrap();
        assert_eq!(project_of(&top.join("a/b/c"), &not_it).unwrap().root, repository.join("b/c").to_str().unwrap());
        fs::create_dir_all(top.join("a/node_modules/x")).unwrap();
        fs::write(top.join("a/node_modules/x/package.json"), "{}").unwrap();
        assert_eq!(project_of(&top.join("a/node_modules/x"), &not_it), None);
        fs::remove_dir_all(&top).unwrap();
    }
}

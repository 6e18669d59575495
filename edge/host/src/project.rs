//! The repository that a working directory is in.

use std::path::{Path, PathBuf};

/// A repository that a directory is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its root, absolute.
    pub root: String,
    /// The branch that is checked out; none where `HEAD` is detached or cannot be read.
    pub branch: Option<String>,
}

/// The longest `HEAD` or `.git` file that is read.
const MAX_HEAD_BYTES: u64 = 4_096;

/// The repository that a directory is in: the nearest with `.git`. A home, whatever it is in, and directories at the
/// root are never one, so that nobody turns all of them into a project.
pub fn project_of(cwd: &Path, home: Option<&str>) -> Option<Project> {
    let cwd = cwd.canonicalize().ok()?;
    let root = cwd.ancestors().find(|dir| dir.join(".git").exists())?;
    let holds_home = home.is_some_and(|home| Path::new(home).starts_with(root));
    if holds_home || root.components().count() < 3 {
        return None;
    }
    let text = |path: PathBuf| {
        let bytes = crate::files::read_small(&path, MAX_HEAD_BYTES).ok().flatten()?;
        String::from_utf8(bytes).ok()
    };
    let dot_git = root.join(".git");
    let directory =
        if dot_git.is_dir() { dot_git } else { root.join(text(dot_git)?.trim().strip_prefix("gitdir:")?.trim()) };
    let branch =
        text(directory.join("HEAD")).and_then(|head| head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned));
    Some(Project { root: root.to_str()?.to_owned(), branch })
}

#[cfg(test)]
mod tests {
    use super::project_of;
    use std::fs;

    #[test]
    fn a_project_is_the_nearest_repository_and_never_a_home() {
        let top = std::env::temp_dir().join(format!("countersign-project-{}", std::process::id()));
        fs::create_dir_all(top.join("a/.git")).unwrap();
        fs::create_dir_all(top.join("a/b/c")).unwrap();
        fs::write(top.join("a/.git/HEAD"), "ref: refs/heads/topic/x\n").unwrap();
        let found = project_of(&top.join("a/b/c"), Some("/home/agent")).unwrap();
        assert_eq!(found.root, top.canonicalize().unwrap().join("a").to_str().unwrap());
        assert_eq!(found.branch.as_deref(), Some("topic/x"));
        fs::write(top.join("a/.git/HEAD"), "0123456789012345678901234567890123456789\n").unwrap();
        assert_eq!(project_of(&top.join("a"), None).unwrap().branch, None);
        let home = top.canonicalize().unwrap().join("a/b");
        assert_eq!(project_of(&top.join("a/b/c"), home.to_str()), None);
        fs::remove_dir_all(&top).unwrap();
    }
}

//! What the name of a file says by itself: copies that editors and people leave of a file, and words by which a file of
//! data says that it holds secrets. Code that only has such a word in its name is no secret.

/// What a copy adds behind the name of the file that it is of.
const COPIES: &[&str] = &[
    "~",
    ".bak",
    "-bak",
    "_bak",
    ".bkp",
    ".backup",
    "-backup",
    "_backup",
    ".old",
    "-old",
    "_old",
    ".orig",
    ".original",
    ".save",
    ".saved",
    ".sav",
    ".copy",
    "-copy",
    "_copy",
    " copy",
    ".prev",
    ".previous",
    ".tmp",
    ".swp",
    ".swo",
    ".swn",
    ".rpmsave",
    ".rpmnew",
    ".rpmorig",
    ".dpkg-old",
    ".dpkg-new",
    ".dpkg-dist",
    ".ucf-old",
    ".ucf-dist",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
    ".lz4",
    ".br",
    ".zip",
    ".7z",
    ".rar",
    ".tar",
    ".tgz",
    ".tbz",
    ".txz",
    ".b64",
    ".base64",
    ".hex",
    ".txt",
];

/// How many copies of copies are looked through: `.env.tar.gz~`.
const MAX_COPIES: usize = 4;

/// The names of the files that a name can be a copy of, by what editors, package managers and people add to it.
pub(super) fn originals(name: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = name;
    for _ in 0..MAX_COPIES {
        let locked = rest.strip_prefix(".#").or_else(|| rest.strip_prefix('#').and_then(|it| it.strip_suffix('#')));
        let Some(original) = locked.or_else(|| behind(rest)).filter(|it| !it.is_empty()) else { break };
        found.push(original);
        // Vim hides the copy that it works on: `.id_rsa.swp` is of `id_rsa`.
        found.extend(original.strip_prefix('.').filter(|it| rest.contains(".sw") && !it.is_empty()));
        rest = original;
    }
    found
}

/// A name without the ending of a copy, with the number that some have: `.bak2`, `.~3~`.
fn behind(name: &str) -> Option<&str> {
    let digit = |c: char| c.is_ascii_digit();
    let numbered = name.strip_suffix('~').and_then(|it| it.trim_end_matches(digit).strip_suffix(".~"));
    let plain = name.trim_end_matches(digit);
    numbered.or_else(|| COPIES.iter().find_map(|ending| name.strip_suffix(ending))).or_else(|| {
        let copy = COPIES.iter().filter(|ending| ending.len() > 2 && plain.len() < name.len());
        copy.into_iter().find_map(|ending| plain.strip_suffix(ending))
    })
}

/// Words that say that the file is a secret, wherever in the name.
const SECRET: &[&str] = &["secret", "secrets", "credential", "credentials", "creds"];

/// Words that say so at the end of a name.
const SECRET_LAST: &[&str] = &["password", "passwords", "passwd", "passphrase", "apikey", "apikeys", "vaultpass"];

/// Words with which a name is about secrets, and holds none.
const ORDINARY: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "template",
    "templates",
    "tmpl",
    "test",
    "tests",
    "spec",
    "mock",
    "mocks",
    "fake",
    "dummy",
    "fixture",
    "fixtures",
    "schema",
    "schemas",
    "type",
    "types",
    "manager",
    "scan",
    "scanner",
    "scanning",
    "detection",
    "baseline",
    "sealed",
    "external",
    "store",
    "provider",
    "class",
    "reset",
    "forgot",
    "policy",
    "role",
    "rolebinding",
    "binding",
    "rbac",
    "reader",
    "rotation",
    "operator",
    "controller",
    "crd",
    "docs",
    "guide",
];

/// Endings of files of data.
const DATA: &[&str] = &[
    "yml",
    "yaml",
    "json",
    "json5",
    "jsonc",
    "toml",
    "ini",
    "cfg",
    "conf",
    "config",
    "properties",
    "props",
    "env",
    "txt",
    "csv",
    "tsv",
    "xml",
    "plist",
    "enc",
    "dec",
    "key",
    "pem",
    "db",
    "sqlite",
    "sqlite3",
    "dat",
    "tfvars",
    "exs",
    "eyaml",
    "gradle",
    "pass",
    "pw",
    "raw",
    "decrypted",
    "plain",
];

/// Directories that hold secrets.
const DIRECTORIES: &[&str] = &["secrets", "secret", ".secrets", "credentials", "creds", "passwords"];

/// Directories of code, where a word without an ending is a module or a program.
const CODE: &[&str] = &[
    "src",
    "lib",
    "libs",
    "pkg",
    "internal",
    "cmd",
    "crates",
    "packages",
    "components",
    "pages",
    "routes",
    "modules",
    "bin",
    "scripts",
    "include",
    "api",
    "app",
    "apps",
    "share",
    "plugins",
];

/// Directories below which names are those of examples, of documents, or of other people's code.
const ABOUT: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "testdata",
    "fixtures",
    "spec",
    "specs",
    "docs",
    "doc",
    "examples",
    "example",
    "samples",
    "node_modules",
    "vendor",
    "third_party",
    "site-packages",
    "dist-packages",
    "locales",
    "locale",
    "i18n",
    "lang",
    "translations",
    "charts",
];

/// Files that lie in any directory, and describe it.
const DESCRIBES: &[&str] = &[
    "readme",
    "license",
    "licence",
    "dockerfile",
    "makefile",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "cargo.toml",
    "pyproject.toml",
    "kustomization.yaml",
    "kustomization.yml",
    "chart.yaml",
    "project.json",
];

/// Environments that a file of variables is for.
const ENVIRONMENTS: &[&str] = &[
    "production",
    "prod",
    "staging",
    "stage",
    "stg",
    "development",
    "dev",
    "local",
    "live",
    "testing",
    "qa",
    "uat",
    "preprod",
    "private",
    "secret",
    "secrets",
];

/// Whether the parts of a path, in small letters, say that the file holds secrets.
pub(super) fn say_secret(parts: &[&str]) -> bool {
    let Some((name, directories)) = parts.split_last() else { return false };
    let mut pieces = name.split('.');
    if matches!(pieces.next(), Some("env" | "environment"))
        && pieces.next().is_some_and(|it| ENVIRONMENTS.contains(&it))
        && pieces.next().is_none_or(|it| it == "local")
    {
        return true;
    }
    let (stem, ending) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    let words = || stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let about = directories.iter().any(|part| ABOUT.contains(part)) || words().any(|word| ORDINARY.contains(&word));
    if about || DESCRIBES.contains(name) || (!ending.is_empty() && !DATA.contains(&ending)) {
        return false;
    }
    let last = words().next_back().unwrap_or("");
    let by_name = words().any(|word| SECRET.contains(&word)) || SECRET_LAST.contains(&last);
    let by_place = directories.iter().any(|part| DIRECTORIES.contains(part));
    if ending.is_empty() {
        let of_code = directories.iter().any(|part| CODE.contains(part));
        // `db_password`, but not `passwd`, which is a file of accounts, or a program.
        let named = SECRET_LAST.contains(&last) && words().count() > 1;
        return !of_code && (by_place || named || DIRECTORIES.contains(name));
    }
    by_name || by_place
}

#[cfg(test)]
mod tests {
    use super::{originals, say_secret};

    fn says(path: &str) -> bool {
        say_secret(&path.split('/').collect::<Vec<&str>>())
    }

    #[test]
    fn copies_are_of_their_originals() {
        for (copy, original) in [
            (".env~", ".env"),
            ("id_rsa.bak", "id_rsa"),
            ("id_rsa.bak2", "id_rsa"),
            (".id_rsa.swp", "id_rsa"),
            (".env.swp", ".env"),
            ("#.env#", ".env"),
            (".#.netrc", ".netrc"),
            (".netrc.~3~", ".netrc"),
            ("credentials.json.orig", "credentials.json"),
            (".env.tar.gz", ".env"),
        ] {
            assert!(originals(copy).contains(&original), "{copy}: {:?}", originals(copy));
        }
        assert!(originals("main.rs").is_empty() && originals("~").is_empty() && originals("##").is_empty());
    }

    #[test]
    fn data_says_so_and_code_does_not() {
        for path in [
            "env.production",
            "env.prod.local",
            "docker/secrets/db_password.txt",
            "secrets/prod.yml",
            "helm/values-secret.yaml",
            ".kamal/secrets",
            "config/secrets.exs",
            "deploy/db-credentials.json",
            "ops/secrets/tls",
            "root_password.txt",
        ] {
            assert!(says(path), "{path}");
        }
        for path in [
            "secrets.example.yml",
            "secretsmanager.tf",
            "src/secrets.rs",
            "secret_test.go",
            "src/secrets/mod.rs",
            "src/secrets",
            "secrets/readme.md",
            "docs/secrets.yml",
            "external-secrets.yaml",
            "password-reset.json",
            "src/env/production.ts",
            "environment.prod.ts",
            "secret-reader-role.yaml",
            "secrets/kustomization.yaml",
            "env.example",
            "bin/reset-password",
            ".github/secret_scanning.yml",
            "secretary.txt",
            "node_modules/x/secrets.json",
        ] {
            assert!(!says(path), "{path}");
        }
    }
}

//! Selections that aim at secrets: a pattern of names that fits the usual name of a secret, and no ordinary file. A tool
//! that reads what such a pattern selects (`rg -g '.env'`, `find -name '.e*' -exec cat`) reads a secret by another road.

use crate::find::could_match;

/// How secrets are usually called.
const SECRETS: &[&str] = &[
    ".env",
    ".env.local",
    ".env.production",
    "prod.env",
    ".envrc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".vault-token",
    ".bash_history",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "shadow",
    "credentials",
    "credentials.json",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    "server.pem",
    "server.key",
    "store.jks",
    "store.p12",
    "store.pfx",
    "store.kdbx",
    "kubeconfig",
    "master.key",
    "terraform.tfstate",
];

/// How other files are called. What fits one of these aims at no secret, though it may meet one.
const ORDINARY: &[&str] = &[
    "README.md",
    "main.rs",
    "index.html",
    "app.py",
    "package.json",
    "config.yaml",
    "config.yml",
    "Cargo.toml",
    "data.csv",
    "a.txt",
    "Makefile",
    "a",
    "test.key.ts",
    ".gitignore",
    "src",
    "main.go",
    "setup.cfg",
    "app.log",
    "pom.xml",
    "a.sh",
];

/// Whether a pattern of names, perhaps with directories in front, aims at secrets.
pub(crate) fn at_secrets(pattern: &str) -> bool {
    let name = pattern.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    alternatives(name).iter().any(|name| {
        let fits = |names: &[&str]| names.iter().any(|it| could_match(name, &it.to_ascii_lowercase()));
        fits(SECRETS) && !fits(ORDINARY)
    })
}

/// Whether a regular expression over whole paths aims at secrets: read as the pattern that it mostly is.
pub(crate) fn expression_at_secrets(expression: &str) -> bool {
    let pattern = expression.trim_start_matches('^').trim_end_matches('$').replace(".*", "*").replace("\\.", ".");
    at_secrets(&pattern.replace(".+", "*").replace(['(', ')', '\\'], ""))
}

/// `{a,b}` as each of both, in small letters; more than one pair of braces counts as anything.
fn alternatives(name: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    match name.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
        Some((head, (inside, tail))) => {
            inside.split(',').map(|one| format!("{head}{one}{}", tail.replace(['{', '}'], "*"))).collect()
        }
        None => vec![name],
    }
}

#[cfg(test)]
mod tests {
    use super::{at_secrets, expression_at_secrets};

    #[test]
    fn what_fits_secrets_alone_aims_at_them() {
        for pattern in [
            ".env", ".e*", "*.env", "**/.ENV", "{.env,x}", ".[e]nv", "id_*", "*.pem", ".en?", ".n*rc", "cred*", ".env*",
        ] {
            assert!(at_secrets(pattern), "{pattern}");
        }
        for pattern in
            ["*", "*.rs", "*.{ts,tsx}", "*.json", "*.y*ml", "src/**", "**/*", "*test*", "Makefile", "*.md", "*e*", ""]
        {
            assert!(!at_secrets(pattern), "{pattern}");
        }
        assert!(expression_at_secrets(".*env") && expression_at_secrets(".*/\\.env$"));
        assert!(!expression_at_secrets(".*\\.rs") && !expression_at_secrets(".*"));
    }
}

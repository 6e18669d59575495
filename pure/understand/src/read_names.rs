//! Names of variables that programs are known to read, for assignments that the text does not export.
//!
//! Such a value reaches a program only where the name is in the environment of the agent already. That is so for names
//! that are exported because a program reads them, not for `VERSION`, `FILE_PATH` or `OUTPUT`. What the text exports
//! itself is judged the other way round: everything steers that is not known to be harmless.

use crate::inherited;

/// Families: how the names of a tool's own variables begin.
const FAMILIES: &str = "\
    ANT_ APT_ ARM_ AUTOM4TE AUTOCONF AUTOMAKE AWS_ AZURE_ BASH BAT_ BLOCK_SIZE BOTO_ BUILDKIT_ BUILDX_ BUNDLE_ BUN_ \
    CARGO_ CCACHE_ CGO_ CLANG_ CLOUDSDK_ CMAKE_ COMPILER_ COMPOSE_ CONAN_ CONDA_ CONSUL_ CONTAINERS_ COREPACK_ \
    COUNTERSIGN_ COVERAGE_ CPPFLAGS CTEST_ CURL_ DBUS_ DEBFULLNAME DEBUGINFOD_ DEB_ DELTA_ DENO_ DIRENV_ DISTCC_ \
    DOTNET_ DPKG_ EMACS ESLINT_ EXA_ EZA_ FAKEROOT FD_ FFMPEG_ FFREPORT GCC_ GCLOUD_ GDB GDK_ GEM_ GH_ GIO_ \
    GITHUB_TOKEN GITLAB_ GLIBC_ GNUPG GOOGLE_ GPG GRADLE_ GREP_ GROFF_ GST_ GTK_ GUIX_ HADOOP_ HGRC HISTFILE \
    HISTIGNORE HOMEBREW_ HTOP INFOPATH JAVA_ JDK_ JEST_ JQ_ JUST_ KRB5 LESS LLVM_ LOCALDOMAIN MAGICK_ MAKE_ MALLOC_ \
    MARIADB_ MAVEN_ MESA_ MINIKUBE_ MPLCONFIGDIR MYSQL_ NCURSES_ NIX_ NODE_ NOMAD_ NPM_ NVIM NVM_ OPENSSL_ PACKER_ \
    PERL PGPASS PGSSL PGOPTIONS PHP PIPENV_ PIPX_ PKG_CONFIG PNPM_ PODMAN_ POETRY_ POSIX PRE_COMMIT_ PSQL PULUMI_ \
    PYENV_ PYTEST_ PYTHON PY_ QT_ R_ RBENV_ REDISCLI_ RES_ RESTIC_ RIPGREP_ RSYNC_ RUBY RUFF_ RUSTC RUSTDOC \
    RUSTFLAGS RUSTUP_ SBT_ SCCACHE_ SDKMAN_ SQLITE_ SSH_ SSLKEYLOGFILE SSL_ SUDO_ SVN_ SYSTEMD_ TEXINPUTS TEXMF TF_ \
    TIME_STYLE TMUX TOX_ TZDIR UV_ VAGRANT_ VALGRIND_ VAULT_ VIRTUALENV_ VIRTUAL_ENV VITE_ WEBPACK_ WGET XDG_ XZ_ \
    ZSH ZSTD_ _JAVA _R_";

/// Names of their own.
const NAMES: &str = "\
    ADB ALL_PROXY AR AS BROWSER BZIP CDPATH CFLAGS CLASSPATH CPATH CPP CVS_RSH CXX DISPLAY FPATH FTP_PROXY GOARCH \
    GOBIN GOCACHE GODEBUG GOENV GOEXPERIMENT GOFLAGS GOINSECURE GOMODCACHE GONOPROXY GONOSUMDB GOOS GOPATH GOPRIVATE \
    GOPROXY GOROOT GOSUMDB GOTMPDIR GOTOOLCHAIN GOVCS GOWORK HTTPS_PROXY HTTP_PROXY LOCPATH MAKE MFLAGS MORE NLSPATH \
    NO_PROXY NULLCMD PGDATABASE PGHOST PGHOSTADDR PGPORT PGSERVICE PGUSER READNULLCMD SHELL STTY XAUTHORITY ZIP \
    ZIPOPT";

/// Words in front of `_PATH`, `_ARGS`, `_CMD` and the like that say what a text itself calls so, and name no tool.
const PLAIN: &str = "\
    ABS ABSOLUTE APP BACKUP BASE BUILD CURRENT DATA DEST DIR DST EXTRA FILE FIRST FROM FULL IMAGE IN INPUT LAST LOG \
    MAIN MODEL MY NEW OLD OUT OUTPUT PAGE PROJECT REL RELATIVE REPO ROOT RUN SCRIPT SRC SOURCE TARGET TEMPLATE TEST \
    TESTS TO WORK";

/// Endings that say something of a tool's only together with its name.
const ONLY_WITH_A_NAME: &str = "\
    ARGS CFG CMD COMMAND CONF CONFIG CONFIG_DIR CONFIG_FILE CONTEXT DIFF EXEC EXECUTABLE FLAGS HOOK HOOKS INIT \
    LAUNCHER LIB LIBRARY MODULES OPT OPTIONS OPTS PATH PLUGIN PLUGINS PROGRAM REGISTRY RULES RUNNER WRAPPER";

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(' ')
}

/// Whether programs are known to read a variable of this name, so that it may be exported already.
pub(crate) fn is_known(name: &str) -> bool {
    // Between families that begin so, programs call none of their variables `thisPath`.
    let mixed = name.chars().any(|c| c.is_ascii_lowercase());
    words(FAMILIES).any(|family| name.starts_with(family))
        || words(NAMES).any(|it| it == name)
        || (!mixed && inherited::value_matters(name) && !is_plain(name))
}

/// `SCRIPT_PATH`, `FILEPATH`, `EXTRA_ARGS`, `CMD`; but not `PATH`.
fn is_plain(name: &str) -> bool {
    name != "PATH"
        && words(ONLY_WITH_A_NAME)
            .filter_map(|ending| name.strip_suffix(ending))
            .any(|rest| rest.split('_').all(|word| word.is_empty() || words(PLAIN).any(|it| it == word)))
}

/// Numbers of the shell itself: what is assigned to them is evaluated, in Bash or in Z shell.
pub(crate) fn is_evaluated(name: &str) -> bool {
    const NUMBERS: &str = "\
    BAUD COLUMNS CURSOR DIRSTACKSIZE EGID ERRNO EUID FUNCNEST GID HISTCMD HISTNO HISTSIZE KEYTIMEOUT LINES LISTMAX \
    LOGCHECK MAILCHECK MARK OPTIND PENDING PERIOD PPID RANDOM SAVEHIST SECONDS SHLVL SRANDOM TMOUT TRY_BLOCK_ERROR \
    TRY_BLOCK_INTERRUPT TTYIDLE UID ZLE_RPROMPT_INDENT";
    words(NUMBERS).any(|it| it == name)
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::environment::may_be_inherited;

    #[test]
    fn what_programs_read_is_known() {
        for name in words(
            "\
            PAGER GIT_PAGER GIT_EXTERNAL_DIFF EDITOR LD_PRELOAD PYTHONPATH NODE_OPTIONS LESSOPEN npm_config_userconfig \
            RIPGREP_CONFIG_PATH BAT_CONFIG_PATH KUBECONFIG DOCKER_HOST TAR_OPTIONS MYTOOL_OPTS MYTOOL_PLUGIN_PATH \
            AWS_PROFILE SSH_ASKPASS http_proxy HTTPS_PROXY XDG_CONFIG_HOME BASH_ENV MANPAGER GOFLAGS CC_WRAPPER PSQLRC \
            TERMINFO GREP_COLORS",
        ) {
            assert!(may_be_inherited(name), "{name}");
        }
    }

    #[test]
    fn what_a_text_calls_its_own_is_not() {
        for name in words(
            "\
            FOO VERSION SRC ROOT NAME FILE FILES COUNT OUTPUT FILE_PATH SCRIPT_DIR EXTRA_ARGS CMD OPTS BRANCH DATE_NOW \
            LINE REPLY MAPFILE OPTARG URL finalName CONDITION HOSTNAME",
        ) {
            assert!(!may_be_inherited(name), "{name}");
        }
    }
}

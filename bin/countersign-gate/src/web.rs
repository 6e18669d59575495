//! `countersign-gate web`: the page, shut in, with its certificate.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::install_paths::{Layout, WEB_HOST_VARIABLE};

/// Where the certificate is.
pub(crate) struct Files {
    /// The certificate with its chain.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// It may come later.
    pub(crate) may_be_late: bool,
}

/// Serves until asked to end.
pub(crate) fn main(listen: SocketAddr, files: Option<Files>) -> Result<(), String> {
    host::memory::keep_private();
    let inherited_listener =
        host::socket::inherited_listener().map_err(|why| format!("the listener that was handed on: {why}"))?;
    let listen = inherited_listener.as_ref().and_then(|it| it.local_addr().ok()).unwrap_or(listen);
    if files.is_none() && !listen.ip().is_loopback() {
        return Err(format!(
            "`{listen}` can be reached from elsewhere, so it takes TLS: add --tls-cert FILE --tls-key FILE, or set up ACME (docs/operate/install.md). Or listen on 127.0.0.1, and reach it through an SSH tunnel: ssh -L {}:127.0.0.1:{} HOST",
            listen.port(),
            listen.port()
        ));
    }
    let opened = files.as_ref().map(Files::open).transpose()?;
    let host = std::env::var(WEB_HOST_VARIABLE).ok();
    let layout = Layout::from_environment()?;
    // Before any other thread is there, so that every one of them is shut in. Pages are in the program; what is left is the sockets, the
    // files that a name is looked up with, and the certificate.
    let mut readable: Vec<PathBuf> = crate::client::NAMES.map(PathBuf::from).to_vec();
    readable.push(layout.run.clone());
    readable.extend(files.iter().flat_map(Files::directories));
    let readable: Vec<&Path> = readable.iter().map(PathBuf::as_path).collect();
    match host::landlock::to(&readable, &[]) {
        Ok(true) => {}
        Ok(false) => eprintln!("countersign-gate: this kernel has no Landlock: the gate is not shut in"),
        Err(why) => return Err(format!("the gate could not be shut in: {why}")),
    }
    let tls = opened.as_ref().map(|(tls, _)| Arc::clone(tls));
    if let (Some(files), Some((tls, shown))) = (files, opened) {
        files.follow(tls, shown)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| why.to_string())?;
    runtime.block_on(async move {
        let listener = match inherited_listener {
            Some(listener) => crate::client::as_tokio(listener),
            None => tokio::net::TcpListener::bind(listen).await,
        };
        let listener =
            listener.map_err(|why| format!("`{listen}`: {why}; choose another with `--listen 127.0.0.1:PORT`"))?;
        let address = listener.local_addr().map_err(|why| why.to_string())?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // On standard error: `up --json` has standard output to itself.
        eprintln!("countersign-gate: the dashboard is at {scheme}://{address}/");
        web::serve(web::ServeOptions {
            listener,
            operators: layout.web_socket(),
            agents: layout.agent_socket(),
            host,
            tls,
            sign_on: Box::new(crate::oidc_discovery::Browser),
            push_key: layout.push_public_key(),
        })
        .await
        .map_err(|why| why.to_string())
    })
}

impl Files {
    /// Opens the certificate that is there, and gives what it is.
    fn open(&self) -> Result<(Arc<web::Tls>, Vec<u8>), String> {
        let tls = Arc::new(web::Tls::new()?);
        if !self.may_be_late {
            let shown = self.show(&tls)?;
            return Ok((tls, shown));
        }
        if let Some(directory) = self.certificate.parent() {
            host::files::private_directory(directory).map_err(|why| format!("`{}`: {why}", directory.display()))?;
        }
        let shown = self.show(&tls).unwrap_or_else(|why| {
            eprintln!("countersign-gate: no certificate yet ({why}); connections are refused until there is one");
            Vec::new()
        });
        Ok((tls, shown))
    }

    fn show(&self, tls: &web::Tls) -> Result<Vec<u8>, String> {
        let key = &self.key;
        if host::files::can_be_read_by_others(key).map_err(|why| format!("`{}`: {why}", key.display()))? {
            return Err(format!("`{}` can be read by others; make it mode 0600", key.display()));
        }
        let read = |path: &Path| std::fs::read(path).map_err(|why| format!("`{}`: {why}", path.display()));
        let certificate = read(&self.certificate)?;
        tls.show(&certificate, &read(key)?)?;
        Ok(certificate)
    }

    /// The directories in which the files lie, and those to which links lead: renewed ones come to lie there, too.
    fn directories(&self) -> Vec<PathBuf> {
        let both = [&self.certificate, &self.key];
        let targets = both.iter().filter_map(|it| std::fs::canonicalize(it).ok());
        let parent =
            |path: &Path| path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let mut all: Vec<PathBuf> = both.iter().map(|it| parent(it)).chain(targets.map(|it| parent(&it))).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Shows renewed ones from when they are there on. What does not hold is not shown: files may be half written.
    fn follow(self, tls: Arc<web::Tls>, mut shown: Vec<u8>) -> Result<(), String> {
        let directories = self.directories();
        let paths: Vec<&Path> = directories.iter().map(PathBuf::as_path).collect();
        let changed = move || {
            if std::fs::read(&self.certificate).map_or(true, |now| now == shown) {
                return;
            }
            match self.show(&tls) {
                Ok(now) => {
                    eprintln!("countersign-gate: the page has a new certificate");
                    shown = now;
                }
                Err(why) => eprintln!("countersign-gate: the certificate is not taken: {why}"),
            }
        };
        host::inotify::each_change(&paths, changed).map_err(|why| format!("the certificate's directory: {why}"))
    }
}

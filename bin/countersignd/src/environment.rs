//! What the environment says of the installation.

use approval::Site;
use state_sqlite::AgentRow;

/// The user of the web gate.
pub(crate) fn web_uid(agents: &[AgentRow]) -> Result<Option<u32>, String> {
    let variable = host::install_paths::WEB_USER_VARIABLE;
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    let uid = host::accounts::account(&text).map_err(|why| format!("`{variable}`: {why}"))?.uid;
    match agents.iter().find(|agent| agent.uid == Some(uid)) {
        Some(agent) => Err(format!("`{variable}={text}`: this user is bound to the agent `{}`", agent.name)),
        None => Ok(Some(uid)),
    }
}

/// Where our page lives.
pub(crate) fn site() -> Result<Site, String> {
    let host = std::env::var(host::install_paths::WEB_HOST_VARIABLE).unwrap_or_else(|_| "localhost".to_owned());
    Site::new(&host).ok_or_else(|| {
        format!(
            "`{}={host}`: write a host name such as gate.example.com, without a port",
            host::install_paths::WEB_HOST_VARIABLE
        )
    })
}

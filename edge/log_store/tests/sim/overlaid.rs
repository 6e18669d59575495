//! Files of which one is another.

use std::collections::BTreeMap;

use log_store::Files;

pub type Contents = BTreeMap<String, Vec<u8>>;

/// A disk that gives files that stand elsewhere, but for one.
pub struct Overlaid<'a> {
    pub files: &'a Contents,
    pub changed: (&'a str, Option<&'a [u8]>),
}

impl Files for Overlaid<'_> {
    fn read(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        if name == self.changed.0 {
            return Ok(self.changed.1.map(<[u8]>::to_vec));
        }
        Ok(self.files.get(name).cloned())
    }

    fn list(&self, directory: &str) -> std::io::Result<Vec<String>> {
        let start = format!("{directory}/");
        let added = self.changed.1.map(|_| self.changed.0.to_owned());
        let names = self.files.keys().cloned().chain(added);
        let mut names: Vec<String> = names
            .filter_map(|name| Some(name.strip_prefix(&start)?.to_owned()))
            .map(|rest| rest.split_once('/').map_or_else(|| rest.clone(), |(first, _)| format!("{first}/")))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

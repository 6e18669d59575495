//! Every page of `corpus/` under the shipped rules.

use std::path::Path;

use testkit::corpus::{self, Presets};

#[test]
fn every_page_holds() {
    let presets = Presets::load();
    let cases = corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    assert!(cases.len() > 60, "only {} cases were found", cases.len());
    let problems: Vec<String> = cases.iter().flat_map(|case| corpus::judge(case, &presets)).collect();
    assert!(problems.is_empty(), "{} of {} cases:\n{}", problems.len(), cases.len(), problems.join("\n"));
}

//! Every page of `corpus/` under the shipped rules.

use std::path::Path;

use pdp::Policy;
use testkit::corpus;

#[test]
fn every_page_holds() {
    let policy = Policy::preset("strict").expect("the shipped rules load");
    let cases = corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    assert!(cases.len() > 60, "only {} cases were found", cases.len());
    let problems: Vec<String> = cases.iter().flat_map(|case| corpus::judge(case, &policy)).collect();
    assert!(problems.is_empty(), "{} of {} cases:\n{}", problems.len(), cases.len(), problems.join("\n"));
}

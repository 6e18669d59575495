//! Set-up, run, test, and the checks of the house rules. `cargo xtask` lists the verbs.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "a tool for developers, which decides nothing")]

mod bench;
mod eval;
mod generate;
mod instructions;
mod options;
mod run;
mod setup;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "cargo xtask VERB

  demo [--auto] [--keep DIR]   build, then show the whole life of a request
  test                         everything that must pass: format, lints, house rules, unit, corpus, compile-fail, end to end
  release                      build static programs for this machine, fit to be copied elsewhere
  ui                           build the dashboard (needs Node); `cargo build` embeds it from then on
  tidy [--lower]               the house rules alone; --lower keeps the figures of `xtask/ratchets.toml` that fell
  generate                     rewrite the generated files
  bench [ROUNDS]               latency of the hook, of `run` and of `check`, compared with /bin/true, in one run
  bench judging [DIR]          time per command, per script, and of texts made to take long, on the corpus and DIR
  bench policy                 decisions under 100 to 10,000 rules, compared with the same rules in Cedar and Rego
  fuzz [--inputs N]            feed every fuzz target with N unlikely texts (default 200000)
  instructions                 instructions per command of the corpus, compared with those that are kept (needs valgrind)
  options [--update]           compare the options that installed programs take with those that are kept (needs `cc`)
  eval --corpus DIR [--policy FILE] [--only NAME] [--show FIGURE] [--suggest]
                               measure understanding and judgement on .jsonl files of cases; --show lists what missed;
                               --suggest measures what `policy suggest` spares, and that nothing new passes
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        Some(("demo", rest)) => run::demo(rest),
        Some(("test" | "ci", [])) => run::test(),
        Some(("release", [])) => run::release().map(|built| println!("{}", built.display())),
        Some(("ui", [])) => run::ui(),
        Some(("tidy", rest)) => tidy::main(rest),
        Some(("generate", [])) => generate::main(),
        Some(("bench", rest)) => bench::main(rest),
        Some(("fuzz", rest)) => run::fuzz(rest),
        Some(("instructions", [])) => instructions::main(),
        Some(("options", rest)) => options::main(rest),
        Some(("eval", rest)) => eval::main(rest),
        Some(("help" | "--help" | "-h", _)) | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(_) => Err(format!("that is no verb of xtask\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

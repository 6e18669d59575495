//! Which clauses the evidence answers, and where it does not. The wording of the standards is theirs; here is ours.

use clap::ValueEnum;

use self::Section::{Agents, Changes, Days, Denied, Duties, Integrity, Partial, People, Starts, Unauthorized};

/// A framework that auditors work with.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Framework {
    /// SOC 2, trust services criteria
    Soc2,
    /// ISO/IEC 27001:2022, annex A
    Iso27001,
    /// HIPAA security rule, 45 CFR 164.312
    Hipaa,
    /// PCI DSS 4.0
    PciDss,
    /// Sarbanes-Oxley, general controls over systems
    Sox,
}

/// A part of the evidence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Days,
    Unauthorized,
    Partial,
    Denied,
    People,
    Agents,
    Changes,
    Starts,
    Integrity,
    Duties,
}

/// A clause: number, subject, what the evidence shows, and in which file.
pub(super) struct Clause {
    pub(super) number: &'static str,
    pub(super) about: &'static str,
    pub(super) shows: &'static str,
    pub(super) sections: &'static [Section],
}

impl Framework {
    /// Its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Soc2 => "SOC 2",
            Self::Iso27001 => "ISO/IEC 27001:2022",
            Self::Hipaa => "HIPAA security rule",
            Self::PciDss => "PCI DSS 4.0",
            Self::Sox => "Sarbanes-Oxley",
        }
    }

    /// The clauses that the record has evidence for.
    pub(super) const fn clauses(self) -> &'static [Clause] {
        match self {
            Self::Soc2 => SOC2,
            Self::Iso27001 => ISO_27001,
            Self::Hipaa => HIPAA,
            Self::PciDss => PCI_DSS,
            Self::Sox => SOX,
        }
    }
}

const SOC2: &[Clause] = &[
    Clause {
        number: "CC6.1",
        about: "access is authorized before it is used",
        shows: "each act of an agent was decided before it ran; by a rule, or by people who are named. What ran without that is listed",
        sections: &[Days, Unauthorized, Partial, Agents],
    },
    Clause {
        number: "CC7.2",
        about: "what is unusual is found and looked at",
        shows: "what was denied, refused, or left unanswered",
        sections: &[Denied, Starts],
    },
    Clause {
        number: "CC8.1",
        about: "changes are authorized",
        shows: "changes of rules, people, agents and flags, with who made them; and who decided on the agents' own changes",
        sections: &[Changes, People, Duties],
    },
    Clause {
        number: "CC7.1, CC7.3",
        about: "the evidence itself can be relied on",
        shows: "the log verifies offline, without a secret",
        sections: &[Integrity],
    },
];

const ISO_27001: &[Clause] = &[
    Clause {
        number: "A.8.5 (2013: A.9.4.2)",
        about: "secure authentication",
        shows: "people prove themselves for each decision; wrong proofs are counted",
        sections: &[People],
    },
    Clause {
        number: "A.8.15 (2013: A.12.4.1)",
        about: "events are logged, and the log is protected",
        shows: "attempts, refusals and acts; the log verifies",
        sections: &[Days, Denied, Integrity, Starts],
    },
    Clause {
        number: "A.8.2, A.5.15",
        about: "privileged access is restricted",
        shows: "what ran, on whose authority",
        sections: &[Unauthorized, Partial, Agents],
    },
    Clause {
        number: "A.8.32",
        about: "changes are controlled",
        shows: "changes of what decides",
        sections: &[Changes, Duties],
    },
    Clause {
        number: "A.8.17",
        about: "clocks",
        shows: "times are those of the host's clock, in UTC; a clock that is set back stops decisions. The record does not prove the clock itself",
        sections: &[],
    },
];

const HIPAA: &[Clause] = &[
    Clause {
        number: "§164.312(a)(2)(i)",
        about: "unique user identification",
        shows: "one name for each agent and each person",
        sections: &[Agents, People],
    },
    Clause {
        number: "§164.312(b)",
        about: "audit controls",
        shows: "what was asked, decided and done",
        sections: &[Days, Unauthorized, Partial, Denied],
    },
    Clause { number: "§164.312(c)(1)", about: "integrity", shows: "the log verifies", sections: &[Integrity, Starts] },
    Clause {
        number: "§164.312(a)(2)(iv)",
        about: "encryption",
        shows: "contents of records are encrypted with AES-256; keys are replaced every 30 days, as the changes show",
        sections: &[Changes],
    },
    Clause {
        number: "§164.312(a)(2)(iii)",
        about: "automatic log-off",
        shows: "there are no sessions of people to log off from yet: each decision takes a proof of its own",
        sections: &[],
    },
];

const PCI_DSS: &[Clause] = &[
    Clause {
        number: "7.2, 7.3",
        about: "access by need to know, denied by default",
        shows: "what no rule allows was asked or denied",
        sections: &[Days, Denied, Unauthorized, Partial],
    },
    Clause {
        number: "8.2, 8.3",
        about: "users are identified and authenticated",
        shows: "agents and people by name; proofs for each decision",
        sections: &[Agents, People],
    },
    Clause {
        number: "10.2",
        about: "audit logs record who did what",
        shows: "decisions, answers, outcomes, changes",
        sections: &[Changes, Starts],
    },
    Clause { number: "10.3", about: "audit logs are protected", shows: "the log verifies", sections: &[Integrity] },
    Clause {
        number: "multi-party control",
        about: "more than one person for the most sensitive acts",
        shows: "acts that several people approved. Which agents touch the cardholder environment is said by the policy (`env`), not by the record",
        sections: &[Duties],
    },
];

const SOX: &[Clause] = &[
    Clause {
        number: "§404, access",
        about: "access to systems is authorized",
        shows: "what ran, on whose authority",
        sections: &[Days, Unauthorized, Partial, Agents],
    },
    Clause {
        number: "§404, segregation of duties",
        about: "no self-approval",
        shows: "approvals by people who answer for the agent: there must be none",
        sections: &[Duties, People],
    },
    Clause {
        number: "§404, changes",
        about: "changes are authorized",
        shows: "changes of what decides",
        sections: &[Changes],
    },
    Clause {
        number: "§802",
        about: "records are kept unaltered",
        shows: "the log verifies; contents that were destroyed are counted",
        sections: &[Integrity, Starts],
    },
];

//! What people may do, and how sure it is that it is them.

use crate::words;

words! {
    /// How sure it is that the person at the other end is the reviewer.
    Assurance {
        /// A web session, without a further proof for this answer. The web gate could give it.
        Session = "session",
        /// A code of the reviewer's authenticator (RFC 6238).
        Totp = "totp",
        /// A signature over the request digest.
        Signature = "signature",
    }
}

words! {
    /// What a person may do. Each role may do what those before it may; an auditor is apart: reads all, decides nothing.
    Role {
        /// Reads everything, the record too, and decides nothing.
        Auditor = "auditor",
        /// Sees holds, and decides nothing.
        Viewer = "viewer",
        /// Answers holds.
        Reviewer = "reviewer",
        /// Answers those that ask for more experience, and makes narrow rules of an approval.
        Senior = "senior",
        /// Changes rules, agents, flags and people, too.
        Operator = "operator",
    }
}

impl Role {
    /// Whether answers of this role count at all.
    pub fn answers(self) -> bool {
        self >= Self::Reviewer
    }
}

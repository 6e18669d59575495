//! What people sign for when they change something.

use crate::operator::OperatorSays;

/// What a passkey or an SSH key signs of a change: the change, word for word, and something fresh, so that it serves once.
pub fn signed_change(text: &str, nonce: &str) -> String {
    format!("countersign change v2\n{text}\nnonce {nonce}\n")
}

/// What a person's proof for a change covers: the change, word for word. Nothing where no proof is needed.
pub fn change_text(message: &OperatorSays) -> Option<String> {
    match message {
        OperatorSays::AddAgent { name, owner, under, uid, place, .. } => Some(format!(
            "add agent {name}\nowner {owner}\nunder {under:?}\nuid {uid:?}\nenv {:?}\ngroups {:?}\ntrust {}",
            place.env, place.groups, place.trust
        )),
        OperatorSays::PlaceAgent { name, place, .. } => {
            Some(format!("agent {name}\nenv {:?}\ngroups {:?}\ntrust {}", place.env, place.groups, place.trust))
        }
        OperatorSays::RemoveAgent { name, .. } => Some(format!("remove agent {name}")),
        OperatorSays::AddReviewer { name, ssh_key, place, .. } => {
            let factor = ssh_key.as_deref().unwrap_or("totp");
            Some(format!("add person {name}\nrole {}\ngroups {:?}\nfactor {factor}", place.role, place.groups))
        }
        OperatorSays::PlaceReviewer { name, place, .. } => {
            Some(format!("person {name}\nrole {}\ngroups {:?}", place.role, place.groups))
        }
        OperatorSays::ReviewBrokenGlass { hold, note, .. } => Some(format!("review broken glass\nhold {hold}\n{note}")),
        OperatorSays::Invite { name, place, .. } => {
            let name = name.as_deref().unwrap_or("-");
            Some(format!("invite person {name}\nrole {}\ngroups {}", place.role, place.groups.join(" ")))
        }
        OperatorSays::BeginEnrolment { .. } => Some("enrol".to_owned()),
        OperatorSays::Canary { agent, command, .. } => Some(format!("canary {agent}\n{command}")),
        // Only a code proves it; nothing of the password is in what could be signed.
        OperatorSays::SetPassword { .. } => Some("password".to_owned()),
        OperatorSays::SignIn { .. } => Some("sign in".to_owned()),
        OperatorSays::RemoveReviewer { name, .. } => Some(format!("remove person {name}")),
        OperatorSays::Flag { name, on, .. } => Some(format!("flag {name} {on}")),
        OperatorSays::AddRule { text, request, reason, .. } => {
            Some(format!("add rule\nrequest {request:?}\nreason {reason}\n{text}"))
        }
        OperatorSays::RemoveRule { id, .. } => Some(format!("remove rule {id}")),
        OperatorSays::ExpireRule { id, end, .. } => Some(format!("expire rule {id} at {end}")),
        OperatorSays::Holds { .. }
        | OperatorSays::Answer { .. }
        | OperatorSays::HandOver { .. }
        | OperatorSays::Work { .. }
        | OperatorSays::Push { .. }
        | OperatorSays::PushTargets
        | OperatorSays::DropPush { .. }
        | OperatorSays::BeginSignOn
        | OperatorSays::SignOnWay
        | OperatorSays::FinishSignOn { .. }
        | OperatorSays::Flags
        | OperatorSays::Reload
        | OperatorSays::Rules
        | OperatorSays::Candidates { .. }
        | OperatorSays::Agents
        | OperatorSays::Reviewers
        | OperatorSays::BrokenGlass
        | OperatorSays::Challenge
        | OperatorSays::Metrics
        | OperatorSays::Spans { .. }
        | OperatorSays::FinishEnrolment { .. }
        | OperatorSays::Stop { .. }
        | OperatorSays::Told { .. }
        | OperatorSays::SlackClick { .. }
        | OperatorSays::TeamsMessage { .. }
        | OperatorSays::Read { .. }
        | OperatorSays::Watch { .. }
        | OperatorSays::Session { .. }
        | OperatorSays::SignOut { .. }
        | OperatorSays::Status => None,
    }
}

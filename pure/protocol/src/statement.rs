//! What people sign for when they change something.

use crate::operator_request::OperatorRequest;

/// What a passkey or an SSH key signs of a change: the change, word for word, and something fresh, so that it serves once.
pub fn signed_change(text: &str, nonce: &str) -> String {
    format!("countersign change v2\n{text}\nnonce {nonce}\n")
}

/// What a person's proof for a change covers: the change, word for word. Nothing where no proof is needed.
pub fn change_text(message: &OperatorRequest) -> Option<String> {
    match message {
        OperatorRequest::AddAgent { name, owner, under, uid, place, .. } => Some(format!(
            "add agent {name}\nowner {owner}\nunder {under:?}\nuid {uid:?}\nenv {:?}\ngroups {:?}\ntrust {}",
            place.env, place.groups, place.trust
        )),
        OperatorRequest::PlaceAgent { name, place, .. } => {
            Some(format!("agent {name}\nenv {:?}\ngroups {:?}\ntrust {}", place.env, place.groups, place.trust))
        }
        OperatorRequest::RemoveAgent { name, .. } => Some(format!("remove agent {name}")),
        OperatorRequest::RotateAgentKey { name, .. } => Some(format!("rotate key of agent {name}")),
        OperatorRequest::AddReviewer { name, ssh_key, place, .. } => {
            let factor = ssh_key.as_deref().unwrap_or("totp");
            Some(format!("add person {name}\nrole {}\ngroups {:?}\nfactor {factor}", place.role, place.groups))
        }
        OperatorRequest::PlaceReviewer { name, place, .. } => {
            Some(format!("person {name}\nrole {}\ngroups {:?}", place.role, place.groups))
        }
        OperatorRequest::ReviewBrokenGlass { hold, note, .. } => {
            Some(format!("review broken glass\nhold {hold}\n{note}"))
        }
        OperatorRequest::Invite { name, place, .. } => {
            let name = name.as_deref().unwrap_or("-");
            Some(format!("invite person {name}\nrole {}\ngroups {}", place.role, place.groups.join(" ")))
        }
        OperatorRequest::BeginEnrolment { .. } => Some("enrol".to_owned()),
        OperatorRequest::Canary { agent, command, .. } => Some(format!("canary {agent}\n{command}")),
        // Only a code proves it; nothing of the password is in what could be signed.
        OperatorRequest::SetPassword { .. } => Some("password".to_owned()),
        OperatorRequest::SignIn { .. } => Some("sign in".to_owned()),
        OperatorRequest::RemoveReviewer { name, .. } => Some(format!("remove person {name}")),
        OperatorRequest::Flag { name, on, .. } => Some(format!("flag {name} {on}")),
        OperatorRequest::AddRule { text, request, reason, .. } => {
            Some(format!("add rule\nrequest {request:?}\nreason {reason}\n{text}"))
        }
        OperatorRequest::RemoveRule { id, .. } => Some(format!("remove rule {id}")),
        OperatorRequest::ExpireRule { id, end, .. } => Some(format!("expire rule {id} at {end}")),
        OperatorRequest::Holds { .. }
        | OperatorRequest::Answer { .. }
        | OperatorRequest::HandOver { .. }
        | OperatorRequest::Work { .. }
        | OperatorRequest::Push { .. }
        | OperatorRequest::PushTargets
        | OperatorRequest::DropPush { .. }
        | OperatorRequest::BeginSignOn
        | OperatorRequest::SignOnWay
        | OperatorRequest::FinishSignOn { .. }
        | OperatorRequest::Flags
        | OperatorRequest::Reload
        | OperatorRequest::Rules
        | OperatorRequest::Candidates { .. }
        | OperatorRequest::Agents
        | OperatorRequest::Reviewers
        | OperatorRequest::BrokenGlass
        | OperatorRequest::Challenge
        | OperatorRequest::Metrics
        | OperatorRequest::Spans { .. }
        | OperatorRequest::FinishEnrolment { .. }
        | OperatorRequest::Stop { .. }
        | OperatorRequest::Notified { .. }
        | OperatorRequest::SlackClick { .. }
        | OperatorRequest::TeamsMessage { .. }
        | OperatorRequest::Read { .. }
        | OperatorRequest::Watch { .. }
        | OperatorRequest::Session { .. }
        | OperatorRequest::SignOut { .. }
        | OperatorRequest::Status => None,
    }
}

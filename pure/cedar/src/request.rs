//! An intent as Cedar requests: one for each operation, and one for a part that does nothing we know of.

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, Schema};
use model::{Arg, Coverage, Intent, Operation, Resource, Segment};
use pdp::{Situation, risk_of};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

/// The program of a command of which that is not known.
const UNKNOWN: &str = "(unknown)";

/// Everything that is asked about one intent.
pub(crate) struct Requests {
    pub(crate) asked: Vec<Asked>,
    pub(crate) entities: Entities,
}

/// One request, with what it is sliced by.
pub(crate) struct Asked {
    pub(crate) action: String,
    pub(crate) program: String,
    pub(crate) request: Request,
}

impl Requests {
    /// Builds them. What does not fit the schema is an error.
    pub(crate) fn of(intent: &Intent, situation: &Situation<'_>, schema: &Schema) -> Result<Self, String> {
        let risk = risk_of(intent);
        let whole = json!({
            "level": risk.level().as_str(), "score": i64::from(risk.score()),
            "coverage": match intent.coverage() { Coverage::Full => "full", Coverage::Partial(_) => "partial" },
            "reversibility": intent.reversibility().as_str(),
            "cwd": situation.cwd.unwrap_or(""), "env": situation.env.unwrap_or(""), "host": situation.host.unwrap_or(""),
            "owner": situation.owner.unwrap_or(""), "branch": situation.branch.unwrap_or(""),
            "flags": situation.flags, "tainted": situation.tainted, "trust": i64::from(situation.trust),
            "depth": i64::from(situation.depth), "commands": i64::try_from(intent.segments.len()).unwrap_or(i64::MAX),
        });
        let agent = uid("Agent", situation.agent.unwrap_or("(nobody)"))?;
        let mut asked = Vec::new();
        let mut programs = BTreeSet::new();
        let mut ask = |action: &str, program: &str, about: Value| -> Result<(), String> {
            let mut context = whole.clone();
            if let (Some(context), Value::Object(about)) = (context.as_object_mut(), about) {
                context.extend(about);
            }
            let action_uid = uid("Action", action)?;
            let context =
                Context::from_json_value(context, Some((schema, &action_uid))).map_err(|why| why.to_string())?;
            let request = Request::new(agent.clone(), action_uid, uid("Program", program)?, context, Some(schema));
            let request = request.map_err(|why| why.to_string())?;
            asked.push(Asked { action: action.to_owned(), program: program.to_owned(), request });
            Ok(())
        };
        for segment in &intent.segments {
            let program = program_of(segment);
            programs.insert(program.clone());
            for operation in &segment.operations {
                ask(operation.action.as_str(), &program, about(segment, Some(operation)))?;
            }
            if segment.operations.is_empty() {
                ask("run", &program, about(segment, None))?;
            }
        }
        // What was not understood as any command could be anything: a guard about all of them is about it, too.
        if intent.segments.is_empty() || !intent.unknowns.is_empty() {
            programs.insert(UNKNOWN.to_owned());
            let nothing = Segment { unknowns: intent.unknowns.clone(), ..Segment::default() };
            let mut about = about(&nothing, None);
            if let Some(about) = about.as_object_mut() {
                about.insert("understood".to_owned(), Value::Bool(false));
                about.insert("kind".to_owned(), Value::String("unknown".to_owned()));
            }
            ask("run", UNKNOWN, about)?;
        }
        Ok(Self { asked, entities: entities(&agent, situation, &programs)? })
    }
}

fn program_of(segment: &Segment) -> String {
    let word = segment.argv.first().and_then(Arg::known).unwrap_or(UNKNOWN);
    word.rsplit('/').next().unwrap_or(word).to_owned()
}

/// What is known of one operation.
fn about(segment: &Segment, operation: Option<&Operation>) -> Value {
    let text =
        |wanted: fn(&Resource) -> bool| operation.filter(|it| wanted(&it.resource)).map_or("", |it| it.resource.text());
    json!({
        "line": segment.line(),
        "kind": operation.map_or("none", |it| it.resource.kind()),
        "path": text(|it| matches!(it, Resource::Path(_) | Resource::Pattern(_))),
        "remote": text(|it| matches!(it, Resource::Host(_))),
        "target": operation.map_or("", |it| it.resource.text()),
        "category": operation.map_or("read_only", |it| it.category.as_str()),
        "recursive": operation.is_some_and(|it| it.recursive),
        "understood": segment.unknowns.is_empty(),
        "wrappers": segment.wrappers,
    })
}

fn entities(agent: &EntityUid, situation: &Situation<'_>, programs: &BTreeSet<String>) -> Result<Entities, String> {
    let groups = situation.groups.iter().map(|group| uid("Group", group)).collect::<Result<Vec<_>, _>>()?;
    let mut all: BTreeMap<EntityUid, Entity> = BTreeMap::new();
    for group in &groups {
        all.insert(group.clone(), Entity::new_no_attrs(group.clone(), Default::default()));
    }
    // Guards only narrow, so what is about an agent is about those that act on its orders, too.
    let above = situation.above.iter().map(|it| uid("Agent", it.agent.as_str())).collect::<Result<Vec<_>, _>>()?;
    for agent in &above {
        all.insert(agent.clone(), Entity::new_no_attrs(agent.clone(), Default::default()));
    }
    all.insert(agent.clone(), Entity::new_no_attrs(agent.clone(), groups.into_iter().chain(above).collect()));
    for program in programs {
        let program = uid("Program", program)?;
        all.insert(program.clone(), Entity::new_no_attrs(program, Default::default()));
    }
    Entities::from_entities(all.into_values(), None).map_err(|why| why.to_string())
}

fn uid(kind: &str, name: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|why| why.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}

// What is asked, piece by piece: each simple command with what it would do, and what of it is not known.

import type { Hold, Piece } from "../api";
import { texts } from "../texts";

/** Where the parts of a line that are not known stand: the longest first, none within another. */
function marked(line: string, unknown: readonly string[]): { text: string; known: boolean }[] {
  const parts = [{ text: line, known: true }];
  for (const word of [...unknown].filter((it) => it.trim() !== "").sort((one, other) => other.length - one.length)) {
    const at = parts.findIndex((part) => part.known && part.text.includes(word));
    const part = parts[at];
    if (part) {
      const from = part.text.indexOf(word);
      const split = [
        { text: part.text.slice(0, from), known: true },
        { text: word, known: false },
        { text: part.text.slice(from + word.length), known: true },
      ];
      parts.splice(at, 1, ...split.filter((it) => it.text !== ""));
    }
  }
  return parts;
}

function One({ piece }: { piece: Piece }) {
  const unknown = piece.unknowns.map((it) => it.text);
  return (
    <li>
      <code>{marked(piece.line, unknown).map((part, at) => (part.known ? <span key={at}>{part.text}</span> : <mark key={at}>{part.text}</mark>))}</code>
      {piece.inside.length > 0 ? (
        <span class="small">
          {" "}
          {texts.inside} <code>{piece.inside.join(", ")}</code>
        </span>
      ) : null}
      <ul>
        {piece.effects.map((effect, at) => (
          <li key={at}>
            <code>{effect.words}</code>{" "}
            <span class="small">
              {effect.category}, {texts.undoing[effect.undo] ?? effect.undo}
            </span>
          </li>
        ))}
        {piece.unknowns.map((it, at) => (
          <li key={`unknown ${at}`} class="warn">
            <code>{it.text}</code>: <code>{it.why}</code>
          </li>
        ))}
        {piece.effects.length + piece.unknowns.length === 0 ? <li class="small">{texts.noEffect}</li> : null}
      </ul>
    </li>
  );
}

export function Pieces({ hold }: { hold: Hold }) {
  return (
    <>
      <ol class="theirs pieces">
        {hold.pieces.map((piece, at) => (
          <One key={at} piece={piece} />
        ))}
      </ol>
      {hold.flows.length > 0 ? (
        <>
          <h2>{texts.flows}</h2>
          <ul class="theirs">
            {hold.flows.map((flow, at) => (
              <li key={at}>
                <code>{flow}</code>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

// Checks names and ids. A name is for people and may be in any script; an id is for machines and never changes. Neither can inject
// anything into an MQTT topic, a path, a terminal or a template of Home Assistant.
import { fail } from '../base/errors.js';

const idPattern = /^[a-z0-9_-]{1,32}$/;

/** Words that Home Assistant or roomkin uses for "no person" or "no room". They are never the id of a person or a room. */
const reservedIds: ReadonlySet<string> = new Set(['none', 'unknown', 'unavailable', 'nobody', 'stranger', 'away']);

/** The reason why `text` cannot be the id of a person, a room or a household, in words for the user; null if it can. */
export function idFault(text: string): string | null {
  if (!idPattern.test(text)) return 'use 1 to 32 of a-z, 0-9, _ and -';
  return reservedIds.has(text) ? 'this word has a meaning in Home Assistant: choose another' : null;
}

/** Whether `text` may be the id of a person, a room or a household. */
export function isId(text: string): boolean {
  return idFault(text) === null;
}

const maxCodePoints = 64;

/** Asks for the picture or the text form of an emoji. After anything else it changes nothing, and no one sees it. */
const uselessSelector = /(?<![\p{Extended_Pictographic}\d#*])[\ufe0e\ufe0f]/gu;

/**
 * The normalised name: Unicode NFC, without blanks at the ends, and with single spaces inside. Each blank is a space: phones and
 * Japanese keyboards write others.
 * Errors: NAME_REFUSED for anything no human name needs (control and invisible characters, `/ + #`, more than 64 characters ...).
 */
export function checkName(text: string): string {
  const name = text
    .replace(uselessSelector, '')
    .normalize('NFC')
    .replace(/^\s+|\s+$/g, '')
    .replace(/\p{Zs}+/gu, ' ');
  const why = refusal(name);
  if (why) throw fail('NAME_REFUSED', `"${shortened(text)}" cannot be a name: ${why}`);
  return name;
}

/** The zero-width joiner and non-joiner within Persian and Indic words, and the joiner within an emoji. */
const joiner =
  '(?<=[\\p{L}\\p{M}\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])(?<!\\p{Script=Latin})[\\u200c\\u200d](?=[\\p{L}\\p{M}\\p{Extended_Pictographic}])(?!.\\p{Script=Latin})';
/** U+2800 is a blank of Braille. */
const hiddenPattern = new RegExp(
  `(?!${joiner}|[\\ufe0e\\ufe0f])[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800\\ufffd]`,
  'u',
);

function refusal(name: string): string | null {
  if (name === '') return 'it is empty';
  if ([...name.slice(0, 4 * maxCodePoints)].length > maxCodePoints)
    return `it has more than ${maxCodePoints} characters`;
  const forbidden = /[/+#\\"<>{}]/u.exec(name);
  if (forbidden) return `it contains ${forbidden[0]}`;
  const hidden = hiddenPattern.exec(name);
  if (hidden) {
    const code = (hidden[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `it contains an invisible or unknown character (U+${code}): remove it`;
  }
  if (/^\p{M}/u.test(name)) return 'it starts with an accent that belongs to no letter';
  if (/\p{M}{5}/u.test(name)) return 'it has more than four accents in a row';
  if (!/[\p{L}\p{N}]/u.test(name)) return 'it has no letter and no digit';
  if (name.startsWith('-')) return 'it starts with a dash, like an option';
  if (reservedIds.has(foldName(name))) return 'the word stands for "no person" in Home Assistant';
  return null;
}

/**
 * The folded form, which is equal for all spellings of a name: case and compatibility forms are ignored. Capitals of capitals fold fully
 * (ß and ẞ to ss, a final ς to σ), as `toLowerCase` alone does not. The form in the gallery's file may be that of an earlier version.
 */
export function foldName(name: string): string {
  const capitals = name.normalize('NFKC').toLowerCase().toUpperCase();
  // Letter by letter: at the end of a word Σ would become ς.
  return Array.from(capitals, (letter) => letter.toLowerCase())
    .join('')
    .normalize('NFKC');
}

// For quotes in errors: characters that are invisible or change the writing direction are shown as their code.
function shortened(text: string): string {
  const visible = text.slice(0, 40).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (hidden) => {
    return `\\u${hidden.codePointAt(0)!.toString(16).padStart(4, '0')}`;
  });
  return text.length > 40 ? `${visible}…` : visible;
}

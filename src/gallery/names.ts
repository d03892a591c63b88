// A name is what people call somebody, in any script; an id is what machines call them, for good. Neither can reach out of its
// place: not into an MQTT topic, a path, a terminal or a template of Home Assistant.
import { fail } from '../base/errors.js';
import type { PersonId } from './person.js';

const idPattern = /^[a-z0-9_-]{1,32}$/;

/** Never the id of a person or a room: words that Home Assistant, or roomkin itself, uses for "no person". */
const reservedIds: ReadonlySet<string> = new Set(['none', 'unknown', 'unavailable', 'nobody', 'stranger']);

/** Why `text` cannot be the id of a person, a room or a household, in words for the user; null where it can. */
export function idFault(text: string): string | null {
  if (!idPattern.test(text)) return 'use 1 to 32 of a-z, 0-9, _ and -';
  return reservedIds.has(text) ? 'this word has a meaning in Home Assistant: choose another' : null;
}

/** Whether `text` may be the id of a person, a room or a household. */
export function isId(text: string): boolean {
  return idFault(text) === null;
}

const maxCodePoints = 64;

/**
 * The name as it is kept: Unicode NFC, blanks at the ends cut and runs of blanks made one space.
 * Errors: NAME_REFUSED for what no human name needs (control and invisible characters, `/ + #`, more than 64 characters ...).
 */
export function checkName(text: string): string {
  const name = text
    .normalize('NFC')
    .replace(/^ +| +$/g, '')
    .replace(/ +/g, ' ');
  const why = refusal(name);
  if (why) throw fail('NAME_REFUSED', `"${shortened(text)}" cannot be a name: ${why}`);
  return name;
}

function refusal(name: string): string | null {
  if (name === '') return 'it is empty';
  if ([...name.slice(0, 4 * maxCodePoints)].length > maxCodePoints)
    return `it has more than ${maxCodePoints} characters`;
  const forbidden = /[/+#\\"<>{}]/u.exec(name);
  if (forbidden) return `it contains ${forbidden[0]}`;
  // Zero-width joiner and non-joiner are spelling in Persian and Indic names; every other invisible character is a trick.
  const hidden = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\ufffd]|(?![\u200c\u200d])\p{Cf}|(?! )\p{Zs}/u.exec(name);
  if (hidden) {
    const code = (hidden[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `it contains an invisible or unknown character (U+${code})`;
  }
  if (/\p{M}{5}/u.test(name)) return 'it piles up accents';
  if (!/[\p{L}\p{N}]/u.test(name)) return 'it has no letter and no digit';
  if (name.startsWith('-')) return 'it starts with a dash, like an option';
  if (reservedIds.has(foldName(name))) return 'the word stands for "no person" in Home Assistant';
  return null;
}

/** What two spellings of one name share: case and compatibility forms do not matter. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}

const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

/**
 * An id for `name` that is not in `taken`: its Latin letters without accents, else `person`; then `-2`, `-3` ...
 * Always satisfies `isId`.
 */
export function freeId(name: string, taken: ReadonlySet<string>): PersonId {
  const ascii = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\u0000-\u007f]/g, (letter) => letters[letter] ?? (/\p{M}/u.test(letter) ? '' : '-'));
  const slug = ascii
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32)
    .replace(/-+$/, '');
  const stem = slug === '' || reservedIds.has(slug) ? 'person' : slug;
  if (!taken.has(stem)) return stem;
  for (let count = 2; ; count += 1) {
    const suffix = `-${count}`;
    const id = `${stem.slice(0, 32 - suffix.length)}${suffix}`;
    if (!taken.has(id)) return id;
  }
}

// Quoted in an error: what is invisible or turns the writing direction is shown as its code.
function shortened(text: string): string {
  const visible = text.slice(0, 40).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (hidden) => {
    return `\\u${hidden.codePointAt(0)!.toString(16).padStart(4, '0')}`;
  });
  return text.length > 40 ? `${visible}…` : visible;
}

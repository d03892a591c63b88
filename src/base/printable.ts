// Words of other people (names of files, of people, of networks) on a terminal. A terminal obeys control characters, and bidirectional
// controls and invisible characters make a line look like another one. So they are printed as their code.

/** Control characters, line separators, every invisible format character (bidi, zero-width, tags), halves of surrogate pairs. */
const obeyed = '[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]';
/** A joiner within a word of a script that needs it (Arabic, Indic), or within an emoji. */
const joiner = '(?<=[\\p{L}\\p{M}\\p{Extended_Pictographic}\\p{Emoji_Modifier}])(?<!\\p{Script=Latin})[\\u200c\\u200d]';
const escapedInText = new RegExp(`(?!${joiner})${obeyed}`, 'gu');
const escapedInJson = new RegExp(obeyed, 'gu');

/** `text` on one line of a terminal: each character that a terminal obeys or hides becomes `\uXXXX`. ASCII escapes stay as they are. */
export function printable(text: string): string {
  return text.replace(escapedInText, code);
}

/** `value` as JSON on one line that is safe to show: `jq -r`, not the terminal, makes characters of its escapes. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(escapedInJson, code);
}

/** The escapes of JSON: a character above U+FFFF gets two. */
function code(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}

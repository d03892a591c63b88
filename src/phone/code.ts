// A QR code in the terminal, two modules a cell. With colours it is black on white on every background. Without colours the light
// modules are drawn, because most terminals are dark; COLORFGBG tells of a light one. Phones read both.
import { encode } from 'uqr';

export interface CodeStyle {
  /** The terminal has colours. */
  readonly colours: boolean;
  /** It shows block characters. */
  readonly blocks: boolean;
  /** Its background is known to be light. Only without colours. */
  readonly light: boolean;
}

/** What the environment says about a terminal. */
export function codeStyleOf(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): CodeStyle {
  const isDumb = !isTerminal || env['TERM'] === 'dumb' || env['TERM'] === undefined;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    colours: !isDumb && !env['NO_COLOR'],
    blocks: /utf-?8/i.test(locale),
    light: /;(7|15)$/.test(env['COLORFGBG'] ?? ''),
  };
}

/** `text` as lines. An address of 73 characters takes 41 columns with blocks and 74 without. */
export function codeLines(text: string, { colours, blocks, light }: CodeStyle): string[] {
  // Readers want four light modules around the code, which are too wide where a module takes two columns.
  const { data, size } = encode(text, { ecc: 'L', border: blocks ? 4 : 2 });
  const isDark = (x: number, y: number): boolean => data[y]?.[x] ?? false;
  const style = (line: string): string => (colours ? `\u001b[38;5;16;48;5;231m${line}\u001b[0m` : line);
  /** With colours the foreground is black. Without, it is what differs from the background. */
  const isDrawn = (x: number, y: number): boolean => (y < size ? isDark(x, y) === (colours || light) : false);
  const columns = Array.from({ length: size }, (_, x) => x);
  if (!blocks) return data.map((_, y) => columns.map((x) => module(isDrawn(x, y), colours)).join(''));
  return Array.from({ length: Math.ceil(size / 2) }, (_, row) =>
    style(columns.map((x) => cells[(isDrawn(x, 2 * row) ? 2 : 0) + (isDrawn(x, 2 * row + 1) ? 1 : 0)]).join('')),
  );
}

/** One module without block characters. With colours it is a patch of background, so that no gap shows between characters. */
function module(isDrawn: boolean, colours: boolean): string {
  if (colours) return `\u001b[48;5;${isDrawn ? 16 : 231}m  \u001b[0m`;
  return isDrawn ? '##' : '  ';
}

/** By the upper (2) and the lower (1) module of a cell. */
const cells = [' ', '▄', '▀', '█'];

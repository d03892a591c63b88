// Drawings of similarities in lines of text: bars and distributions with a threshold. They repeat what the text before them says. They
// consist of one kind of characters without colours, so that they are the same on every terminal and in a file.
import { columnsOf, padTo, shortened } from '../base/width.js';
import { binWidth, type PersonScores, type ScoreBins } from '../gallery/score-bins.js';
import { count, wrap } from './rows.js';

export interface DrawingStyle {
  /** The width of the lines. Where it is too small for a drawing, there is none. */
  readonly columns: number;
  /** The terminal shows block characters; otherwise the drawing is in ASCII. */
  readonly blocks: boolean;
}

/** What the environment says about block characters. */
export function showsBlocks(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return env['TERM'] !== 'dumb' && /utf-?8/i.test(locale);
}

/** The character that marks a threshold. */
export function markOf({ blocks }: DrawingStyle): string {
  return blocks ? '│' : '|';
}

/** With fewer columns a drawing shows nothing. */
const leastColumns = 8;

// Bars.

export interface Bar {
  /** What the bar belongs to; empty to continue the bar before. */
  readonly label: string;
  readonly name: string;
  /** Similarity; a bar is empty at 0 and below, and full at 1. */
  readonly value: number;
  /** null where it is not known. */
  readonly threshold: number | null;
}

/** One line for each bar: label, name, value and threshold as figures, then the bar with a mark at the threshold. */
export function barLines(bars: readonly Bar[], style: DrawingStyle): string[] {
  const labelColumns = Math.max(...bars.map(({ label }) => columnsOf(label)));
  const nameColumns = Math.min(Math.max(...bars.map(({ name }) => columnsOf(name))), style.columns < 60 ? 8 : 18);
  return bars.map(({ label, name, value, threshold }) => {
    const needed = threshold === null ? '   -' : threshold.toFixed(2);
    // Never -0.00.
    const figures = `${Number(value.toFixed(2)).toFixed(2).padStart(5)} ${needed}`;
    const text = `${padTo(label, labelColumns)} ${padTo(shortened(name, nameColumns), nameColumns)} ${figures}  `;
    const width = style.columns - columnsOf(text) - 1;
    return width < leastColumns ? text.trimEnd() : `${text}${bar(value, threshold, width, style)}`.trimEnd();
  });
}

/** A bar passes the mark exactly where the value reaches the threshold, however few columns there are. */
function bar(value: number, threshold: number | null, width: number, style: DrawingStyle): string {
  const cells = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * width);
  const full = style.blocks ? '█' : '#';
  const filled = cells(value);
  if (threshold === null) return full.repeat(filled);
  const left = Math.min(width - 1, Math.max(1, cells(threshold)));
  const below = Math.min(filled, value < threshold ? left - 1 : left);
  const above = value < threshold ? 0 : Math.max(1, filled - left);
  const before = value < threshold ? full.repeat(below) : full.repeat(left);
  return `${before.padEnd(left)}${markOf(style)}${full.repeat(above)}`;
}

// Distributions.

const levels = { blocks: ' ▁▂▃▄▅▆▇█', ascii: ' .:-=+*#%@' };

const labelColumns = 10;

/** For each person: the figures in words, then the distribution of unknown faces and that of the own photos around the threshold. */
export function scoreLines(people: readonly PersonScores[], style: DrawingStyle): string[] {
  if (people.length === 0) return [];
  const drawn = people.map((scores) => drawing(scores, style));
  const legend = drawn.some((lines) => lines.length > 0)
    ? `; ${markOf(style)} marks the threshold, a taller or denser character stands for more faces`
    : '';
  const about = `Similarity of unknown faces to each person, and of each own photo to the other photos${legend}:`;
  return [
    ...wrap(about, style.columns),
    ...people.flatMap((scores, index) => [
      ...wrap(`${scores.name}: ${scoreText(scores)}`, style.columns - 2).map((line, i) =>
        i === 0 ? line : `  ${line}`,
      ),
      ...drawn[index]!,
    ]),
  ];
}

/** `threshold 0.53, reached by 5 of 5 own photos (0.61 to 0.78) and by 0 of 1500 unknown faces (at most 0.46)`. */
function scoreText({ threshold, own, unknown }: PersonScores): string {
  const [photos, faces] = [total(own.below) + total(own.above), total(unknown.below) + total(unknown.above)];
  const [ofOwn, ofUnknown] = [edges(own, threshold), edges(unknown, threshold)];
  const reached = [
    ...(ofOwn === null
      ? []
      : [`by ${total(own.above)} of ${count(photos, 'own photo')} (${ofOwn.from} to ${ofOwn.to})`]),
    ...(ofUnknown === null
      ? []
      : [`by ${total(unknown.above)} of ${count(faces, 'unknown face')} (at most ${ofUnknown.to})`]),
  ];
  const alone = ofOwn === null ? '; one photo has no other to be compared with' : '';
  return `threshold ${threshold.toFixed(2)}${reached.length === 0 ? '' : `, reached ${reached.join(' and ')}`}${alone}`;
}

/** The similarities between which all counted scores lie, to a bin; null where none is counted. */
function edges({ below, above }: ScoreBins, threshold: number): { readonly from: string; readonly to: string } | null {
  const all = [...below, ...above];
  const first = all.findIndex((value) => value > 0);
  if (first < 0) return null;
  const last = all.findLastIndex((value) => value > 0);
  const at = (edge: number): string => Math.min(1, threshold + (edge - below.length) * binWidth).toFixed(2);
  return { from: at(first), to: at(last + 1) };
}

function drawing({ own, unknown, threshold }: PersonScores, style: DrawingStyle): string[] {
  const bins = unknown.below.length + unknown.above.length;
  const merged = [1, 2, 5, 10].find((factor) => labelColumns + bins / factor + 1 <= style.columns);
  if (merged === undefined || bins / merged < leastColumns) return [];
  const row = (label: string, { below, above }: ScoreBins): string[] => {
    const [left, right] = [merge(below, merged), merge(above, merged)];
    const most = Math.max(...left, ...right);
    if (most === 0) return [];
    const part = (values: readonly number[]): string => values.map((value) => level(value / most, style)).join('');
    return [`${`  ${label}`.padEnd(labelColumns)}${part(left)}${markOf(style)}${part(right)}`.trimEnd()];
  };
  const mark = labelColumns + unknown.below.length / merged;
  return [
    ...row('unknown', unknown),
    ...row('own', own),
    axis(threshold, mark, { ...style, columns: labelColumns + bins / merged + 1 }, binWidth * merged),
  ];
}

/** The threshold under its mark, and rounded similarities under their columns as far as they do not touch it. */
function axis(threshold: number, mark: number, { columns }: DrawingStyle, width: number): string {
  const line = new Array<string>(columns).fill(' ');
  const put = (text: string, column: number): void => {
    const start = Math.min(columns - text.length, column - Math.floor(text.length / 2));
    const isFree = line.slice(Math.max(0, start - 2), start + text.length + 2).every((character) => character === ' ');
    if (start >= labelColumns - 2 && isFree)
      for (const [i, character] of [...text].entries()) line[start + i] = character;
  };
  put(threshold.toFixed(2), mark);
  for (const tick of [0, 1, -0.2, 0.2, 0.8, 0.4, 0.6]) {
    const offset = (tick - threshold) / width;
    put(tick.toFixed(1), mark + (offset < 0 ? Math.round(offset) : Math.round(offset) + 1));
  }
  return line.join('').trimEnd();
}

/** Every count that is not 0 shows. */
function level(share: number, { blocks }: DrawingStyle): string {
  const ramp = blocks ? levels.blocks : levels.ascii;
  return share === 0 ? ' ' : ramp[Math.max(1, Math.round(share * (ramp.length - 1)))]!;
}

function merge(values: readonly number[], factor: number): number[] {
  return Array.from({ length: values.length / factor }, (_, i) => total(values.slice(i * factor, (i + 1) * factor)));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

// Text that fits a terminal. It may quote a camera or a broker, so control characters are escaped.
import { oneLine } from '../base/errors.js';
import { columnsOf } from '../base/width.js';
import type { Quality } from '../vision/face.js';
import { goodQuality } from '../vision/quality-gate.js';

const labelWidth = 13;

/** `label` and `text` as lines of at most `columns`; the text breaks at spaces and is indented by the label. */
export function wrapRow(label: string, text: string, columns: number): string[] {
  const width = Math.max(20, columns - labelWidth);
  return wrap(oneLine(text), width).map((line, i) => `${(i === 0 ? label : '').padEnd(labelWidth)}${line}`);
}

/** `text` broken at spaces into lines of at most `width` columns; a longer word gets its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** An item of a list: `- ` and the text, broken at spaces into lines of at most `columns`. */
export function wrapItem(text: string, columns: number): string[] {
  return wrap(`- ${text}`, columns - 2).map((line, i) => (i === 0 ? line : `  ${line}`));
}

/** `1 photo`, `2 photos`. */
export function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? '' : 's'}`;
}

/** The quality of an observation with the values that are good, as phrases: `turned 12° aside (15° or less is good)`. */
export function qualityText(
  quality: Partial<Pick<Quality, 'eyesPx'>> & Pick<Quality, 'sharpness' | 'yawDegrees' | 'pitchDegrees' | 'light'>,
  hints = true,
): string {
  const hint = (text: string, isGood: boolean): string => (isGood || !hints ? '' : ` (good: ${text})`);
  const { eyesPx, sharpness, yawDegrees, pitchDegrees, light } = quality;
  const [aside, up] = [Math.round(yawDegrees) || 0, Math.round(pitchDegrees) || 0];
  const turned = `turned ${aside}° aside, ${up}° up`;
  const isStraight = Math.abs(aside) <= goodQuality.yawDegrees && Math.abs(up) <= goodQuality.pitchDegrees;
  return [
    ...(eyesPx === undefined
      ? []
      : [
          `eyes ${Math.round(eyesPx)} px apart${hint(`${goodQuality.eyesPx} px or more`, eyesPx >= goodQuality.eyesPx)}`,
        ]),
    `sharpness ${percent(sharpness)}${hint(`${percent(goodQuality.sharpness)} or more`, sharpness >= goodQuality.sharpness)}`,
    `${turned}${hint(`at most ${goodQuality.yawDegrees}° and ${goodQuality.pitchDegrees}°`, isStraight)}`,
    `light ${percent(light)}${hint(`${percent(goodQuality.light)} or more`, light >= goodQuality.light)}`,
  ].join(', ');
}

/** `61 %` */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

// A picture in the terminal: two pixels a cell as half blocks in colour, or one of ten characters a cell where the terminal has no
// colours. It consists of numbers and of its own characters only, so it cannot control the terminal in any other way.

/** A picture of few pixels, with boxes. Pixels are square; a cell of the terminal is one pixel wide and two high. */
export interface SmallPicture {
  readonly width: number;
  /** Even. */
  readonly height: number;
  /** RGB, 0 to 255, row by row. */
  readonly rgb: Uint8Array;
  readonly boxes: readonly SmallBox[];
}

/** Edges in pixels of the picture; `number` (1 to 9) is shown at its upper left corner. */
export interface SmallBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly number: number;
  readonly colour: readonly [red: number, green: number, blue: number];
}

/** How many colours the terminal has: none, the 256 of xterm, or all. */
export type Colours = 'none' | '256' | 'all';

/** What the environment says about a terminal. */
export function coloursOf(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Colours {
  if (!isTerminal || env['TERM'] === 'dumb' || env['TERM'] === undefined || env['NO_COLOR']) return 'none';
  return /truecolor|24bit/.test(env['COLORTERM'] ?? '') ? 'all' : '256';
}

export function pictureLines(picture: SmallPicture, colours: Colours): string[] {
  return colours === 'none' ? plainLines(picture) : colouredLines(picture, colours);
}

const ramp = ' .:-=+*#%@';

function plainLines({ width, height, rgb, boxes }: SmallPicture): string[] {
  const cells = Array.from({ length: height / 2 }, (_, row) =>
    Array.from({ length: width }, (_, column) => {
      const level = (luma(rgb, (2 * row * width + column) * 3) + luma(rgb, ((2 * row + 1) * width + column) * 3)) / 2;
      return ramp[Math.min(ramp.length - 1, Math.floor((level / 256) * ramp.length))]!;
    }),
  );
  for (const box of boxes) {
    const [left, right] = [within(box.left, width), within(box.right, width)];
    const [top, bottom] = [within(box.top / 2, height / 2), within(box.bottom / 2, height / 2)];
    for (let column = left; column <= right; column++) cells[top]![column] = cells[bottom]![column] = '-';
    for (let row = top; row <= bottom; row++) cells[row]![left] = cells[row]![right] = '|';
    for (const [row, column] of [
      [top, left],
      [top, right],
      [bottom, left],
      [bottom, right],
    ] as const)
      cells[row]![column] = '+';
    cells[top]![left] = String(box.number % 10);
  }
  return cells.map((row) => row.join('').trimEnd());
}

function colouredLines({ width, height, rgb, boxes }: SmallPicture, colours: Colours): string[] {
  const pixels = rgb.slice();
  const labels = new Map<string, number>();
  const paint = (x: number, y: number, colour: SmallBox['colour']): void =>
    pixels.set(colour, (within(y, height) * width + within(x, width)) * 3);
  for (const { left, top, right, bottom, number, colour } of boxes) {
    for (let x = left; x <= right; x++) for (const y of [top, bottom]) paint(x, y, colour);
    for (let y = top; y <= bottom; y++) for (const x of [left, right]) paint(x, y, colour);
    labels.set(`${within(left, width)},${within(top / 2, height / 2)}`, number);
  }
  const code = (at: number, layer: 38 | 48): string =>
    colours === 'all'
      ? `${layer};2;${pixels[at]};${pixels[at + 1]};${pixels[at + 2]}`
      : `${layer};5;${cube(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!)}`;
  return Array.from({ length: height / 2 }, (_, row) => {
    let line = '';
    let last = '';
    for (let column = 0; column < width; column++) {
      const upper = (2 * row * width + column) * 3;
      const style = `\u001b[${code(upper, 38)};${code(upper + width * 3, 48)}m`;
      const label = labels.get(`${column},${row}`);
      if (label !== undefined) line += `\u001b[0;7m${label % 10}`;
      else line += `${style === last ? '' : style}▀`;
      last = label === undefined ? style : '';
    }
    return `${line}\u001b[0m`;
  });
}

/** The nearest colour of xterm's 6x6x6 cube, or of its greys. */
function cube(red: number, green: number, blue: number): number {
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 12) {
    const grey = Math.round((red - 8) / 10);
    return grey < 0 ? 16 : grey > 23 ? 231 : 232 + grey;
  }
  const step = (value: number): number =>
    value < 48 ? 0 : value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40));
  return 16 + 36 * step(red) + 6 * step(green) + step(blue);
}

function luma(rgb: Uint8Array, at: number): number {
  return 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
}

function within(value: number, size: number): number {
  return Math.max(0, Math.min(size - 1, Math.floor(value)));
}

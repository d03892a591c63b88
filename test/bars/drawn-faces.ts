// Draws what a room's camera makes of a good portrait: faces that are turned in the picture, partly hidden, too bright, too dark,
// blurred or far. Only for measurements: the same seed gives the same pictures.
import { gaussian, type Random } from '../../src/commands/evaluate/random.js';
import type { Landmarks } from '../../src/vision/face.js';
import { type Frame, type Picture, viewAround } from '../../src/vision/picture.js';
import { resample } from '../../src/vision/resample.js';

export const frameSize = { width: 640, height: 480 } as const;
/** Grey around the portrait, 0 to 255. */
const backgroundLevel = 119;

/** How a face is drawn. Lengths are in distances between the eyes. */
export interface Drawing {
  /** Distance between the eyes, pixels of the frame. */
  readonly eyesPx: number;
  /** Turned in the plane of the picture, degrees clockwise. */
  readonly rollDegrees: number;
  /** Width of the drawn face, as a share of the true one. */
  readonly squeeze?: number;
  /** Where the middle between the eyes is, as shares of the frame. Default: the middle of the frame. */
  readonly at?: readonly [x: number, y: number];
  /** What hides the face at `across` and `down` from the middle between the eyes (upright face): a grey level or a colour; null: nothing. */
  readonly cover?: (across: number, down: number) => readonly [r: number, g: number, b: number] | null;
  /** Light as a factor, by position on the upright face. */
  readonly light?: (across: number, down: number) => number;
  /** Standard deviation of the Gaussian blur. */
  readonly blur?: number;
  /** Standard deviation of the noise of the sensor, grey levels. Default: 3. */
  readonly noise?: number;
}

/** The subject of a portrait. */
export interface Subject {
  readonly picture: Picture;
  readonly landmarks: Landmarks;
}

/** Side of the square that is taken from the portrait, in distances between the eyes. */
const sideEyes = 9;

/** Different random numbers of the noise. */
const noiseTable = 4093;

/** One frame with the face of `subject`. */
export function drawFrame({ picture, landmarks }: Subject, drawing: Drawing, random: Random): Frame {
  const { width, height } = frameSize;
  const { eyesPx, squeeze = 1, blur = 0, noise = 3 } = drawing;
  const [right, left] = landmarks;
  const middle = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2] as const;
  const apart = Math.hypot(left[0] - right[0], left[1] - right[1]);
  const tilt = Math.atan2(left[1] - right[1], left[0] - right[0]);
  const sidePx = Math.round(sideEyes * eyesPx);
  const view = viewAround(middle[0], middle[1], sideEyes * apart);
  const portrait = resample(picture, view, sidePx);
  const isInside = (x: number, y: number): boolean => {
    const px = view.x + (x / sidePx) * view.width;
    const py = view.y + (y / sidePx) * view.width;
    return px >= 0 && py >= 0 && px < picture.width && py < picture.height;
  };
  const [atX, atY] = drawing.at ?? [0.5, 0.5];
  const turn = (drawing.rollDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const pixels = new Float32Array(width * height * 3).fill(backgroundLevel);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dx = (x - atX * width) / eyesPx;
      const dy = (y - atY * height) / eyesPx;
      // The upright face, then the portrait as it is, which may be tilted already.
      const across = (dx * cos + dy * sin) / squeeze;
      const down = -dx * sin + dy * cos;
      const sx = (across * Math.cos(tilt) - down * Math.sin(tilt) + sideEyes / 2) * eyesPx;
      const sy = (across * Math.sin(tilt) + down * Math.cos(tilt) + sideEyes / 2) * eyesPx;
      if (!(sx >= 0 && sy >= 0 && sx < sidePx - 1 && sy < sidePx - 1) || !isInside(sx, sy)) continue;
      const cover = drawing.cover?.(across, down) ?? null;
      const light = drawing.light?.(across, down) ?? 1;
      const out = (y * width + x) * 3;
      for (let c = 0; c < 3; c++)
        pixels[out + c] = light * (cover === null ? bilinear(portrait, sidePx, sx, sy, c) : cover[c]!);
    }
  }
  const blurred = blur > 0 ? gaussianBlur(pixels, blur * eyesPx) : pixels;
  const table = Float32Array.from({ length: noiseTable }, () => noise * gaussian(random));
  // A clamped array rounds. The table is read from another position in each row, so that it leaves no pattern.
  const data = new Uint8ClampedArray(blurred.length);
  for (let y = 0, i = 0; y < height; y++) {
    const start = Math.floor(random() * noiseTable);
    for (let x = 0; x < 3 * width; x++, i++) data[i] = blurred[i]! + table[(start + x) % noiseTable]!;
  }
  return {
    capturedAt: 0,
    sequence: 0,
    width,
    height,
    format: 'rgb',
    stride: width * 3,
    data: new Uint8Array(data.buffer),
  };
}

function bilinear(pixels: Float32Array, sidePx: number, x: number, y: number, channel: number): number {
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - x0, y - y0];
  const at = (y0 * sidePx + x0) * 3 + channel;
  const top = pixels[at]! * (1 - fx) + pixels[at + 3]! * fx;
  const bottom = pixels[at + sidePx * 3]! * (1 - fx) + pixels[at + sidePx * 3 + 3]! * fx;
  return top * (1 - fy) + bottom * fy;
}

function gaussianBlur(pixels: Float32Array, sigma: number): Float32Array {
  const { width, height } = frameSize;
  const reach = Math.ceil(2.5 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pass = (from: Float32Array, dx: number, dy: number): Float32Array => {
    const to = new Float32Array(from.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const out = (y * width + x) * 3;
        for (let k = -reach; k <= reach; k++) {
          const sx = Math.min(width - 1, Math.max(0, x + k * dx));
          const sy = Math.min(height - 1, Math.max(0, y + k * dy));
          const weight = weights[k + reach]! / total;
          const at = (sy * width + sx) * 3;
          for (let c = 0; c < 3; c++) to[out + c]! += weight * from[at + c]!;
        }
      }
    }
    return to;
  };
  return pass(pass(pixels, 1, 0), 0, 1);
}

const grey = (level: number) => [level, level, level] as const;
const skin = [178, 132, 108] as const;

/** A kind of track: how each of its frames is drawn. `random` gives the strength, once for a track. */
export interface Situation {
  readonly name: string;
  readonly draw: (random: Random) => Drawing;
}

const between = (low: number, high: number, random: Random): number => low + (high - low) * random();
const either = (random: Random): number => (random() < 0.5 ? -1 : 1);
const near = (random: Random) => ({ eyesPx: between(30, 55, random), rollDegrees: between(-8, 8, random) });

const covers: Readonly<Record<string, (random: Random) => NonNullable<Drawing['cover']>>> = {
  'mask over mouth and nose': (random) => {
    const colour = random() < 0.5 ? ([150, 190, 215] as const) : grey(between(20, 235, random));
    return (across, down) =>
      down > 0.42 + 0.1 * across * across && down < 1.9 && Math.abs(across) < 1.1 ? colour : null;
  },
  'scarf over the mouth': (random) => {
    const colour = grey(between(20, 200, random));
    return (_across, down) => (down > 0.85 ? colour : null);
  },
  'dark glasses': (random) => {
    const half = between(0.36, 0.45, random);
    const tall = between(0.22, 0.34, random);
    return (across, down) => {
      const inGlass = ((Math.abs(across) - 0.5) / half) ** 2 + (down / tall) ** 2 < 1;
      return inGlass || (Math.abs(across) < 0.2 && Math.abs(down) < 0.05) ? grey(18) : null;
    };
  },
  'hand over one side': (random) => {
    const [side, from] = [either(random), between(-0.1, 0.25, random)];
    return (across, down) => (side * across > from && down > -0.3 ? skin : null);
  },
  'half behind a door': (random) => {
    const [side, from, level] = [either(random), between(-0.2, 0.3, random), between(20, 220, random)];
    return (across) => (side * across > from ? grey(level) : null);
  },
  'hand before the mouth': (random) => {
    const [x, y] = [between(-0.3, 0.3, random), between(0.9, 1.3, random)];
    return (across, down) => (((across - x) / 0.8) ** 2 + ((down - y) / 0.45) ** 2 < 1 ? skin : null);
  },
  'cap over the forehead': (random) => {
    const [low, level] = [between(-0.45, -0.18, random), between(10, 160, random)];
    return (_across, down) => (down < low ? grey(level) : null);
  },
  'hair over the eyes': (random) => {
    const [low, level, side] = [between(-0.05, 0.25, random), between(15, 90, random), either(random)];
    return (across, down) => (down < low + 0.25 * side * across && Math.abs(across) < 1.1 ? grey(level) : null);
  },
  'cup before the nose': (random) => {
    const [x, y, level] = [between(-0.3, 0.3, random), between(0.55, 1, random), between(30, 240, random)];
    return (across, down) => (Math.abs(across - x) < 0.42 && Math.abs(down - y) < 0.5 ? grey(level) : null);
  },
};

/** All situations that are measured, the good ones first. */
export const situations: readonly Situation[] = [
  { name: 'good', draw: near },
  { name: 'good, far', draw: (random) => ({ ...near(random), eyesPx: between(20, 26, random) }) },
  ...[15, 25, 35, 45, 60, 75, 90, 120, 150, 180].map((degrees) => ({
    name: `turned by ${degrees}°`,
    draw: (random: Random) => ({ ...near(random), rollDegrees: either(random) * (degrees + between(-5, 5, random)) }),
  })),
  ...Object.entries(covers).map(([name, cover]) => ({
    name,
    draw: (random: Random) => ({ ...near(random), cover: cover(random) }),
  })),
  ...[1.8, 2.5, 3.5, 5].map((gain) => ({
    name: `overexposed ${gain} times`,
    draw: (random: Random) => ({ ...near(random), light: () => gain }),
  })),
  ...[0.3, 0.15, 0.08, 0.05].map((gain) => ({
    name: `underexposed to ${100 * gain} %`,
    draw: (random: Random) => ({ ...near(random), light: () => gain }),
  })),
  {
    name: 'light from one side',
    draw: (random) => {
      const [side, dark, bright] = [either(random), between(0.05, 0.15, random), between(1.2, 2.5, random)];
      return {
        ...near(random),
        light: (across: number) => dark + (bright - dark) / (1 + Math.exp(-6 * side * across)),
      };
    },
  },
  {
    name: 'sun spot on the face',
    draw: (random) => {
      const [x, y, radius] = [between(-0.5, 0.5, random), between(-0.2, 1, random), between(0.5, 0.9, random)];
      return {
        ...near(random),
        light: (across: number, down: number) => (Math.hypot(across - x, down - y) < radius ? 4 : 0.7),
      };
    },
  },
  ...[0.05, 0.08, 0.12, 0.18].map((blur) => ({
    name: `blurred by ${blur} eye distances`,
    draw: (random: Random) => ({ ...near(random), blur }),
  })),
  ...[12, 15, 18].map((eyesPx) => ({
    name: `far, ${eyesPx} px between the eyes`,
    draw: (random: Random) => ({ ...near(random), eyesPx }),
  })),
  ...[0.55, 0.7].map((squeeze) => ({
    name: `squeezed to ${squeeze}`,
    draw: (random: Random) => ({ ...near(random), squeeze }),
  })),
  {
    name: 'cut by the edge of the picture, sideways',
    draw: (random) => {
      const drawing = near(random);
      const inside = (between(0.1, 0.45, random) * drawing.eyesPx) / frameSize.width;
      return { ...drawing, at: [random() < 0.5 ? inside : 1 - inside, 0.5] };
    },
  },
  {
    name: 'cut by the lower edge of the picture',
    draw: (random) => {
      const drawing = near(random);
      return { ...drawing, at: [0.5, 1 - (between(0.5, 1.2, random) * drawing.eyesPx) / frameSize.height] };
    },
  },
  {
    name: 'turned by 30° and a mask',
    draw: (random) => ({
      ...near(random),
      rollDegrees: either(random) * between(20, 40, random),
      cover: covers['mask over mouth and nose']!(random),
    }),
  },
  {
    name: 'dark and blurred',
    draw: (random) => ({ ...near(random), light: () => 0.25, blur: 0.08 }),
  },
];

/** The same drawing in another frame of its track: the face moves a little. */
export function jittered(drawing: Drawing, random: Random): Drawing {
  const [x, y] = drawing.at ?? [0.5, 0.5];
  const shift = (size: number): number => (0.1 * drawing.eyesPx * gaussian(random)) / size;
  return {
    ...drawing,
    eyesPx: drawing.eyesPx * (1 + 0.02 * gaussian(random)),
    rollDegrees: drawing.rollDegrees + 2 * gaussian(random),
    at: [x + shift(frameSize.width), y + shift(frameSize.height)],
  };
}

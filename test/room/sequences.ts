// Random rooms for the property tests: a seed decides who lives there, who walks through and how well the camera sees.
import { type Random, seededRandom, shuffled } from '../../src/commands/evaluate/random.js';
import type { Scene, Walk } from './simulator.js';

const residents = ['ada', 'ben', 'cleo', 'dan'];
const strangers = ['x', 'y', 'z'];

/**
 * Forty seconds with up to four walks; in one of three two residents look alike, in one of five the camera goes blind. Some sit
 * down and turn their back, for longer than anybody stays without a face; a curtain moves in one of three.
 */
export function randomScene(seed: number, framesPerSecond = 5): Scene {
  const random = seededRandom(seed);
  const enrolled = residents.slice(0, 2 + whole(3, random));
  const walkers = shuffled([...enrolled, ...strangers], random).slice(0, 1 + whole(4, random));
  const similar = shuffled(enrolled, random).slice(0, 2) as [string, string];
  const blindFrom = 5000 + whole(10_000, random);
  return {
    seed,
    dimension: 64,
    framesPerSecond,
    durationMs: 40_000,
    residents: enrolled,
    templates: 1 + whole(4, random),
    missed: random() * 0.4,
    similarity: 0.75 + random() * 0.2,
    walks: walkers.flatMap((who) => walks(who, random)),
    ...(random() < 1 / 3 ? { alike: [[...similar, 0.4 + random() * 0.6]] } : {}),
    motion: {
      fidgets: random() ** 2,
      curtain: random() < 1 / 3 ? [whole(1000, random), whole(500, random), 300, 450] : null,
      flashes: random() < 0.2 ? 0.3 : 0,
    },
    ...(random() < 0.2 ? { blind: [blindFrom, blindFrom + 1000 + whole(8000, random)] } : {}),
  };
}

/**
 * The same with portraits of two of the people on the wall from the start, in rows of their own or where others walk by; a minute
 * long, in which everybody is gone for the last part.
 */
export function withPortraits(
  scene: Scene,
  seed: number,
): { readonly scene: Scene; readonly portraits: readonly Walk[] } {
  const random = seededRandom(seed ^ 0x5eed);
  const shown = shuffled([...scene.residents, ...strangers], random).slice(0, 2);
  const portraits = shown.map((who, index): Walk => {
    const x = 200 + 500 * index + whole(300, random);
    return { who, fromMs: 0, toMs: 60_000, x0: x, x1: x, y: 150 + 60 * whole(10, random) };
  });
  // A quick one, in which nobody stands about, and whose camera never rests.
  const walks = scene.walks.map((walk) => ({ ...walk, x1: walk.x0 < 600 ? walk.x0 + 500 : walk.x0 - 500 }));
  const { blind: _, ...rest } = scene;
  return { scene: { ...rest, durationMs: 60_000, walks: [...walks, ...portraits] }, portraits };
}

/** One or two visits, one after the other; everybody has a row of their own, two share one now and then and so cross. */
function walks(who: string, random: Random): Walk[] {
  const y = 150 + 60 * whole(10, random);
  if (random() < 0.3) return [seat(who, y, whole(8000, random), random)];
  const first: Walk = { ...visit(who, y, whole(8000, random), random) };
  return random() < 0.3 ? [first, visit(who, y, first.toMs + 500 + whole(12_000, random), random)] : [first];
}

/** Somebody who sits down, shows their face for some seconds, and then their back. */
function seat(who: string, y: number, fromMs: number, random: Random): Walk {
  const x = 80 + whole(1100, random);
  const toMs = fromMs + 8000 + whole(28_000, random);
  return { who, fromMs, toMs, x0: x, x1: x, y, away: [fromMs + 1000 + whole(5000, random), toMs] };
}

function visit(who: string, y: number, fromMs: number, random: Random): Walk {
  const toMs = fromMs + 2000 + whole(12_000, random);
  const away = fromMs + whole(toMs - fromMs, random);
  return {
    who,
    fromMs,
    toMs,
    x0: 80 + whole(1100, random),
    x1: 80 + whole(1100, random),
    y,
    ...(random() < 0.4 ? { away: [away, away + whole(6000, random)] } : {}),
  };
}

function whole(below: number, random: Random): number {
  return Math.floor(random() * below);
}

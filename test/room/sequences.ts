// Random scenes for the property tests. The seed decides who is enrolled, who walks through, and how good the detector is.
import { type Random, seededRandom, shuffled } from '../../src/commands/evaluate/random.js';
import type { Scene, Walk } from './simulator.js';

const residents = ['ada', 'ben', 'cleo', 'dan'];
const unknownPeople = ['x', 'y', 'z'];

/**
 * A scene of forty seconds with up to four people. In one of three scenes two residents look alike, in one of five the camera
 * goes blind, and in one of three a curtain moves. Some people sit down and turn their back, for longer than anybody stays
 * without a face.
 */
export function randomScene(seed: number, framesPerSecond = 5): Scene {
  const random = seededRandom(seed);
  const enrolled = residents.slice(0, 2 + wholeBelow(3, random));
  const walkers = shuffled([...enrolled, ...unknownPeople], random).slice(0, 1 + wholeBelow(4, random));
  const lookAlikes = shuffled(enrolled, random).slice(0, 2) as [string, string];
  const blindFromMs = 5000 + wholeBelow(10_000, random);
  return {
    seed,
    dimension: 64,
    framesPerSecond,
    durationMs: 40_000,
    residents: enrolled,
    templates: 1 + wholeBelow(4, random),
    missed: random() * 0.4,
    similarity: 0.75 + random() * 0.2,
    walks: walkers.flatMap((who) => walks(who, random)),
    ...(random() < 1 / 3 ? { alike: [[...lookAlikes, 0.4 + random() * 0.6]] } : {}),
    motion: {
      fidgets: random() ** 2,
      curtain: random() < 1 / 3 ? [wholeBelow(1000, random), wholeBelow(500, random), 300, 450] : null,
      flashes: random() < 0.2 ? 0.3 : 0,
    },
    ...(random() < 0.2 ? { blind: [blindFromMs, blindFromMs + 1000 + wholeBelow(8000, random)] } : {}),
  };
}

/**
 * The same scene with two portraits on the wall from the start, in rows of their own or where others walk past. It lasts a
 * minute, and everybody has left before the last part.
 */
export function withPortraits(
  scene: Scene,
  seed: number,
): { readonly scene: Scene; readonly portraits: readonly Walk[] } {
  const random = seededRandom(seed ^ 0x5eed);
  const shown = shuffled([...scene.residents, ...unknownPeople], random).slice(0, 2);
  const portraits = shown.map((who, index): Walk => {
    const x = 200 + 500 * index + wholeBelow(300, random);
    return { who, fromMs: 0, toMs: 60_000, x0: x, x1: x, y: 150 + 60 * wholeBelow(10, random) };
  });
  // Nobody stands still, and the camera is never blind, so that only the portraits can become static faces.
  const walks = scene.walks.map((walk) => ({ ...walk, x1: walk.x0 < 600 ? walk.x0 + 500 : walk.x0 - 500 }));
  const { blind: _, ...rest } = scene;
  return { scene: { ...rest, durationMs: 60_000, walks: [...walks, ...portraits] }, portraits };
}

/** One or two visits, one after the other, in a row of the picture. Two people may share a row and then cross each other. */
function walks(who: string, random: Random): Walk[] {
  const y = 150 + 60 * wholeBelow(10, random);
  if (random() < 0.3) return [seat(who, y, wholeBelow(8000, random), random)];
  const first: Walk = { ...visit(who, y, wholeBelow(8000, random), random) };
  return random() < 0.3 ? [first, visit(who, y, first.toMs + 500 + wholeBelow(12_000, random), random)] : [first];
}

/** A person who sits down, shows their face for some seconds, and then their back. */
function seat(who: string, y: number, fromMs: number, random: Random): Walk {
  const x = 80 + wholeBelow(1100, random);
  const toMs = fromMs + 8000 + wholeBelow(28_000, random);
  return { who, fromMs, toMs, x0: x, x1: x, y, away: [fromMs + 1000 + wholeBelow(5000, random), toMs] };
}

function visit(who: string, y: number, fromMs: number, random: Random): Walk {
  const toMs = fromMs + 2000 + wholeBelow(12_000, random);
  const awayFromMs = fromMs + wholeBelow(toMs - fromMs, random);
  return {
    who,
    fromMs,
    toMs,
    x0: 80 + wholeBelow(1100, random),
    x1: 80 + wholeBelow(1100, random),
    y,
    ...(random() < 0.4 ? { away: [awayFromMs, awayFromMs + wholeBelow(6000, random)] } : {}),
  };
}

function wholeBelow(below: number, random: Random): number {
  return Math.floor(random() * below);
}

// The picture of a camera that is hung sideways or upside down, and stretched pictures: who is named on them, and that nobody gets the
// name of somebody else. The pictures are those of ../shared/field/turned.mjs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { evaluationFolder } from '../bars/recall.js';
import { at, json } from './place.js';

t.setTimeout(600_000);

const folder = evaluationFolder();
const names = ['Amy_Adams', 'Isla_Fisher', 'Idris_Elba', 'Gemma_Chan', 'Ed_Sheeran'] as const;
const probe = 8;
const border = { top: 60, bottom: 60, left: 60, right: 60, background: '#777777' };

const photosOf = (person: string): string[] => {
  const people = join(folder!, 'people', person);
  return readdirSync(people)
    .sort()
    .map((file) => join(people, file));
};

/** How each probe is changed, and how many of the five must get their name, and may be like nobody. */
const kinds: readonly {
  readonly kind: string;
  readonly turn?: number;
  readonly size?: readonly [number, number];
  readonly named: number;
  readonly strangers?: number;
}[] = [
  { kind: 'upright', turn: 0, named: 5 },
  { kind: 'turned by 90°', turn: 90, named: 5 },
  { kind: 'turned by 180°', turn: 180, named: 5 },
  { kind: 'turned by 270°', turn: 270, named: 5 },
  { kind: 'narrow 0.75', size: [225, 300], named: 4 },
  // So narrow that the person may look like nobody: `[camera] aspect` makes the pixels square.
  { kind: 'narrow 0.55', size: [165, 300], named: 4, strangers: 1 },
  { kind: 'wide 1.33', size: [300, 225], named: 5 },
];

async function draw(person: string, { kind, turn = 0, size }: (typeof kinds)[number]): Promise<string> {
  const photo = sharp(photosOf(person)[probe]);
  const portrait = await (size === undefined ? photo.resize(300) : photo.resize(size[0], size[1], { fit: 'fill' }))
    .png()
    .toBuffer();
  const path = at(`${person} ${kind}.png`);
  await sharp(await sharp(portrait).extend(border).png().toBuffer())
    .rotate(turn)
    .png()
    .toFile(path);
  return path;
}

t.test(
  'a turned or stretched face gets its own name or none',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    for (const name of names)
      t.equal((await json('enrol', name.replace('_', ' '), '--photos', ...photosOf(name).slice(0, 5))).code, 0);
    for (const kind of kinds) {
      const paths = await Promise.all(names.map((name) => draw(name, kind)));
      const { document } = await json('identify', ...paths);
      const told = document.files.map(({ faces }: { faces: { person: string | null; state: string }[] }) => faces[0]);
      const own = names.map((name) => name.toLowerCase().replace('_', '-'));
      const wrong = told.filter(
        (face: { person: string | null } | undefined, i: number) => face?.person != null && face.person !== own[i],
      );
      t.strictSame(wrong, [], `${kind.kind}: no wrong name`);
      const named = told.filter(
        (face: { person: string | null } | undefined, i: number) => face?.person === own[i],
      ).length;
      const strangers = told.filter((face: { state: string } | undefined) => face?.state === 'stranger').length;
      t.ok(named >= kind.named, `${kind.kind}: ${named} of ${names.length} named`);
      t.ok(strangers <= (kind.strangers ?? 0), `${kind.kind}: ${strangers} are like nobody`);
    }
  },
);

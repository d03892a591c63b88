// Photos that lie on their side or upside down, without an EXIF tag that says so: they are turned before use, so that their templates
// name the person and nobody else.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { evaluationFolder } from '../bars/recall.js';
import { at, json, roomkin } from './place.js';

t.setTimeout(300_000);

const folder = evaluationFolder();

/** The path of a photo by its position in the folder of the person. */
function photoOf(person: string, position: number): string {
  const people = join(folder!, 'people', person);
  return join(people, readdirSync(people).sort()[position]!);
}

/** The path of a portrait on grey that is turned clockwise. Its width is that of 300 px of height. */
async function turned(person: string, position: number, degrees: number, width = 300): Promise<string> {
  const border = { top: 60, bottom: 60, left: 60, right: 60, background: '#777777' };
  const portrait = await sharp(photoOf(person, position)).resize(width, 300, { fit: 'fill' }).png().toBuffer();
  const upright = await sharp(portrait).extend(border).png().toBuffer();
  const path = at(`${person}-${position}-${degrees}-${width}.jpg`);
  await sharp(upright).rotate(degrees).jpeg({ quality: 95 }).toFile(path);
  return path;
}

/** One turned photo of each. */
const household = [
  { person: 'Gemma_Chan', position: 8, degrees: 90, back: 270 },
  { person: 'Lily_Allen', position: 8, degrees: 180, back: 180 },
  { person: 'Amy_Adams', position: 8, degrees: 270, back: 90 },
  // Upside down the embedder takes this one for a clear face.
  { person: 'Idris_Elba', position: 8, degrees: 180, back: 180 },
];
const others = ['Isla_Fisher', 'Mila_Kunis', 'Ed_Sheeran', 'Tom_Selleck', 'Kevin_Bacon', 'Dua_Lipa'];

t.test(
  'photos on their side are turned, and name nobody else',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    for (const { person, position, degrees, back } of household) {
      const photo = await turned(person, position, degrees);
      const { code, document } = await json('enrol', person, '--photos', photo);
      t.equal(code, 0);
      t.same(document.turned, [{ file: photo, degrees: back }], `${person} lay turned by ${degrees}°`);
    }
    const own = household.flatMap(({ person }) => [0, 1].map((position) => ({ person, position })));
    const turnedOthers = await Promise.all(others.map((person, i) => turned(person, 8, 90 + 90 * (i % 3))));
    const uprightOthers = others.slice(0, 2).map((person) => photoOf(person, 0));
    const { code, document } = await json(
      'identify',
      ...own.map(({ person, position }) => photoOf(person, position)),
      ...turnedOthers,
      ...uprightOthers,
    );
    t.equal(code, 0);
    own.forEach(({ person, position }, i) => {
      const { faces, turned } = document.files[i];
      t.equal(faces[0]?.name, person, `upright photo ${position} of ${person}, similarity ${faces[0]?.similarity}`);
      t.equal(turned, 0);
    });
    const foreign = document.files.slice(own.length);
    t.equal(foreign.length, turnedOthers.length + uprightOthers.length);
    for (const { file, faces } of foreign) {
      t.equal(faces.length, 1, `the face of ${file}`);
      t.equal(faces[0].person, null, `nobody's name for ${file}, similarity ${faces[0].similarity}`);
    }
  },
);

t.test(
  'a resident whose photo is turned or squeezed gets no other name and is no stranger',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    const turnedPhotos = await Promise.all(household.map(({ person }, i) => turned(person, 6, 90 + 90 * (i % 3))));
    const squeezed = await Promise.all(
      household.flatMap(({ person }) => [165, 400].map((width) => turned(person, 6, 0, width))),
    );
    const { code, document } = await json('identify', ...turnedPhotos, ...squeezed);
    t.equal(code, 0);
    const { files } = document;
    household.forEach(({ person }, i) => {
      t.equal(files[i].turned, 270 - 90 * (i % 3), `${files[i].file} is turned back`);
      for (const j of [i, household.length + 2 * i, household.length + 2 * i + 1]) {
        const [face] = files[j].faces;
        t.ok(face.name === null || face.name === person, `${files[j].file}, similarity ${face.similarity}`);
        t.not(face.state, 'stranger', face.rule);
      }
    });
    const named = files.slice(0, household.length).filter(({ faces }: ReturnType<typeof JSON.parse>) => faces[0].name);
    t.ok(named.length >= 3, `${named.length} of ${household.length} turned photos are named, with one reference each`);
  },
);

t.test(
  'a user sees which photo was turned, and by how much',
  { skip: folder === null && 'skipped: the folder ../shared/eval does not exist' },
  async (t) => {
    const photo = at('Gemma_Chan-8-90-300.jpg');
    const result = await roomkin('enrol', 'Gemma_Chan', '--photos', photo);
    t.equal(result.code, 0);
    t.ok(result.stderr.includes(`${photo} is not upright: it was turned by 270° clockwise`), result.stderr);
  },
);

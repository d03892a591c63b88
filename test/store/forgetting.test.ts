// Whoever is forgotten is in no file of the state directory, whatever was done before.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { foldName } from '../../src/gallery/names.js';
import { openJournalStore } from '../../src/journal/store.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { madeUpTemplate, madeUpVector, openTestStore, temporaryFolder } from '../sharing/household.js';

t.setTimeout(1_200_000);
const rounds = Number(process.env['ROOMKIN_RUNS'] ?? 20);

const everyByte = (directory: string): Buffer =>
  Buffer.concat(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name))),
  );

t.test(`${rounds} random rounds of enrolling and forgetting leave no byte`, async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  let nowMs = Date.now();
  using store = openTestStore(directory, { wallMs: () => nowMs });
  using journal = openJournalStore({ directory, keyFile: join(directory, 'key'), wallMs: () => nowMs });
  const rows = new Database(join(directory, 'gallery.sqlite'), { readonly: true });
  t.teardown(() => rows.close());
  const random = seededRandom(21);
  const letters = (count: number): string =>
    Array.from({ length: count }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('');
  const enrolled: { name: string; id: string }[] = [];
  const names: string[] = [];
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = Math.floor(random() * 3); i >= 0 && (enrolled.length < 10 || i === 0); i--) {
      const name = `Ä${letters(9)} ${letters(4).toUpperCase()}`;
      const id = store.change((changes) => {
        const person = changes.person(name);
        for (let k = Math.floor(random() * 6); k >= 0; k--) changes.addTemplate(person, madeUpTemplate(`${name}/${k}`));
        if (random() < 0.3) changes.addNegativeTemplate(person, madeUpTemplate(`not ${name}`));
        return person;
      });
      enrolled.push({ name, id });
      names.push(name);
      journal.append(
        Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
          madeUpEntry({ person: id, best: id, wallMs: nowMs }),
        ),
      );
    }
    store.setSetting('announced', JSON.stringify(enrolled.map(({ id }) => `person_${id}`)));
    if (random() < 0.3) nowMs += 3_700_000;
    if (random() < 0.3) store.keepSnapshots();
    if (random() < 0.2) {
      const [person] = enrolled;
      const renamed = `Ö${letters(9)}`;
      store.change((changes) => changes.rename(person!.id, renamed));
      person!.name = renamed;
    }
    const [person] = enrolled.splice(Math.floor(random() * enrolled.length), 1);
    const { name, id } = person!;
    const sealed = rows.prepare('SELECT sealed FROM template WHERE person = ?').pluck().all(id) as Buffer[];
    const wrapped = rows.prepare('SELECT wrapped_key FROM person WHERE id = ?').pluck().get(id) as Buffer;
    found += everyByte(directory).includes(sealed[0]!) ? 1 : 0;
    journal.forget(id);
    t.equal(store.forget(id), true);
    const bytes = everyByte(directory);
    const parts: readonly (string | Buffer)[] = [
      ...[name, foldName(name), id, name.toUpperCase(), Buffer.from(name).toString('base64').slice(0, 12)],
      ...[wrapped, ...sealed.map((seal) => seal.subarray(0, 64)), ...sealed.map((seal) => seal.subarray(-64))],
      Buffer.from(madeUpVector(`${name}/0`).buffer).subarray(0, 16),
    ];
    for (const part of parts)
      if (bytes.includes(part)) t.fail(`round ${round}: ${part.toString('latin1')} is still there`);
  }
  t.equal(found, rounds, 'the search finds what is stored');
  while (enrolled.length > 0) {
    const { id } = enrolled.pop()!;
    journal.forget(id);
    store.forget(id);
  }
  const bytes = everyByte(directory);
  for (const name of names)
    if (bytes.includes(name) || bytes.includes(foldName(name))) t.fail(`${name} is still there`);
});

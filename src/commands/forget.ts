// roomkin forget: erases a person, after a question on the terminal or with --yes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHouseholdKey } from '../sharing/key.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';
import { openJournals } from './journals.js';
import { openGallery } from './parts.js';
import { ask } from './prompts.js';
import { count, wrap } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run({ name: person, yes }: Given<'forget'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const { id, name, templates } = store.find(person);
  if (!yes && !(await confirmed(`Erase ${name} (${id}) with ${count(templates.length, 'photo')} for good?`, io))) {
    io.out(`${name} was not erased`);
    return io.document({ person: id, name, forgotten: false });
  }
  const traces = tracesOf(store, id);
  await forgetPerson(store, id, io);
  io.out(`${name} is forgotten`);
  const { directory } = io.config().store;
  const { files, withTraces } = search(directory, traces);
  const what = `the key and the ${count(templates.length, 'template')} of ${name}`;
  if (withTraces.length > 0) io.log('warning', `${what} were found again in ${withTraces.join(', ')} of ${directory}`);
  else
    for (const line of wrap(`Checked: ${what} are in none of the ${files} files in ${directory}`, io.textColumns))
      io.out(line);
  if (readHouseholdKey(io.config().household.keyFile))
    io.out(`the other rooms erase ${name} as soon as they are connected`);
  io.document({ person: id, name, forgotten: true, checked: { files, withTraces } });
}

/** Erases everything about a person from the journals and the gallery. */
export async function forgetPerson(store: Store, id: string, io: CommandIo): Promise<void> {
  using journal = await openJournals(io);
  // The journals come first: after an error the person is still in the gallery and can be forgotten again.
  journal.forget(id);
  const erased = store.forget(id);
  // Until the line above a daemon could still write about the person.
  journal.forget(id);
  if (!erased)
    io.log('warning', `another process has the log of the gallery open: erased bytes stay in it until the next change`);
}

async function confirmed(question: string, io: CommandIo): Promise<boolean> {
  if (!io.interactive) throw misused('forget', 'there is no terminal to ask: add --yes to erase for good');
  return /^y(es)?$/i.test((await ask(io, `${question} [y/N] `)).trim());
}

// The proof: bytes of the person that were in the gallery are in no file any more.

/** The person's wrapped key and the beginnings of their sealed templates: random bytes that nothing else has. */
function tracesOf({ connection: { sql } }: Store, id: string): readonly Buffer[] {
  const keys = sql.people.all().filter((row) => row.id === id);
  return [
    ...keys.map(({ wrappedKey }) => Buffer.from(wrappedKey)),
    ...sql.templatesOfPerson.all(id).map(({ sealed }) => Buffer.from(sealed)),
  ].map((bytes) => bytes.subarray(0, 32));
}

function search(directory: string, traces: readonly Buffer[]): { files: number; withTraces: string[] } {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  const withTraces = paths.filter((path) => {
    const bytes = readFileSync(path);
    return traces.some((trace) => bytes.includes(trace));
  });
  return { files: paths.length, withTraces: withTraces.map((path) => path.slice(directory.length + 1)) };
}

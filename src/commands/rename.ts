// roomkin rename: another name, the same person: id, topics and entities stay.
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import type { Given } from './verbs.js';

export async function run({ name: from, newName }: Given<'rename'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const { id, name } = store.find(from);
  store.change((changes) => changes.rename(id, newName));
  const now = store.find(id).name;
  io.out(`${name} is called ${now} now (the id stays ${id})`);
  io.document({ person: id, from: name, name: now });
}

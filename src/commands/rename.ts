// roomkin rename: changes the name of a person; the id, the topics and the entities stay.
import type { CommandIo } from './command.js';
import { openGallery } from './parts.js';
import type { Given } from './verbs.js';

export async function run({ name: from, newName }: Given<'rename'>, io: CommandIo): Promise<void> {
  using store = openGallery(io);
  const { id, name } = store.find(from);
  store.change((changes) => changes.rename(id, newName));
  const renamed = store.find(id).name;
  io.out(`${name} is now called ${renamed} (the id is still ${id})`);
  io.document({ person: id, from: name, name: renamed });
}

// Tasks that must not run at the same time, such as questions to one child process.

/** Runs a task after all earlier ones, also where one of them failed. */
export type InOrder = <T>(task: () => Promise<T>) => Promise<T>;

export function createInOrder(): InOrder {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}

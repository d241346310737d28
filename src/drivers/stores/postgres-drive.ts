/** Runs a step by asking each of its statements in turn. */
import type { Answer, Statement, Work } from './statement.ts';

export async function drive<Result>(
  work: Work<Result>,
  ask: (statement: Statement) => Promise<Answer>,
): Promise<Result> {
  let turn = work.next();
  while (turn.done !== true) {
    let answer: Answer;
    try {
      answer = await ask(turn.value);
    } catch (error) {
      turn = work.throw(error);
      continue;
    }
    turn = work.next(answer);
  }
  return turn.value;
}

/** What one check of one answer may cost. A step is one look at a value, a keyword, a character or a state of a pattern; measured at 10 to 40 ns. */
export const stepLimit = 2_000_000

/** Thrown when the steps of a check are used up. A count, not a clock: the same answer ends in the same way on a busy machine. */
export class TooMuchWorkError extends Error {}

export interface Budget {
  steps: number
}

export function createBudget(steps: number = stepLimit): Budget {
  return { steps }
}

/** What the checks of one answer may cost together: an answer may hold many values that could be meant. */
export interface Effort {
  readonly verdicts: Budget
  readonly lines: Budget
}

export function createEffort(): Effort {
  return { verdicts: createBudget(), lines: createBudget() }
}

export function spend(budget: Budget, steps: number): void {
  budget.steps -= steps
  if (budget.steps < 0) throw new TooMuchWorkError('the check takes too many steps')
}

/** A number with its noun: `1 pod`, `3 pods`. Pure. */
export const counted = (count: number, noun: string): string => `${count} ${count === 1 ? noun : `${noun}s`}`

export const views = [];
export const who = () => "";
export const runsOf = (state) => state.runs;
export const sections = () => null;
export const runDetail = () => "";

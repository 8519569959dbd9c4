// The section or grader to which the page is narrowed, such as "Section A"; "" for the whole class.

const STORAGE_KEY = "grader-mark-share";

export const share = () => sessionStorage.getItem(STORAGE_KEY) ?? "";
export const chooseShare = (name) => sessionStorage.setItem(STORAGE_KEY, name);

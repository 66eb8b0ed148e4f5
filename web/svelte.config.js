// Svelte runs in runes mode everywhere, so that state is declared where it lives.
export default { compilerOptions: { runes: true } };

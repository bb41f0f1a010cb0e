/// A graph of linked documents in two formats, with cycles, references to themselves, to documents that are not there and to
/// what is no document, drawn from a seed; and the walk over it that judges a refresh. Both are Python's: the walk knows only
/// the list of references that the drawing wrote down, and reads no document.
enum Graph {
    /// Writes the documents to `web/`, which is `https://example.org/`, those of the own set to `own/`, which is
    /// `https://own.example/`, and the references to graph.json.
    static let drawing = """
        import json, os, random
        random.seed(SEED)
        N, OWN = COUNT, 12
        os.makedirs('web/deep', exist_ok=True); os.makedirs('own/sub', exist_ok=True)
        TYPE = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'
        def iri(n):
            if n < OWN: return f'https://own.example/{"sub/" if n % 3 == 0 else ""}{n}'
            return f'https://example.org/{"deep/" if n % 5 == 0 else ""}{n}'
        def suffix(n): return '.nt' if n % 2 else '.jsonld'
        graph, missing = {}, []
        for n in range(N):
            me, targets = iri(n) + suffix(n), []
            for _ in range(random.choice([0, 1, 1, 2, 3, 6])):
                kind = random.random()
                if kind < 0.08: target = me
                elif kind < 0.2: target = f'https://example.org/gone/{random.randrange(N)}'
                elif kind < 0.25: target = f'https://elsewhere.example/{random.randrange(9)}'
                else:
                    other = random.randrange(N)
                    target = iri(other) + (suffix(other) if random.random() < 0.7 else '')
                targets.append((target, random.choice(['', '', '#it', '#a/b?c'])))
            graph[me] = [t for t, _ in targets]
            path = ('own/' if n < OWN else 'web/') + me.split('/', 3)[3]
            # What is mentioned without being a reference: types, datatypes, subjects, addresses, texts.
            other = iri(random.randrange(N))
            if n % 2:
                lines = [f'<{me}#s> <{TYPE}> <{other}> .', f'<{me}#s> <http://e/name> "{other} name {n}"@en .',
                         f'<{other}> <http://e/x> "1"^^<{other}> .', f'<{me}> <http://e/mail> <mailto:a@b> .', '# <a:b> <c:d> <e:f> .']
                lines += [f'{random.choice([f"<{me}#s>", "_:b"])} <http://e/p{random.randrange(3)}> <{t}{f}> .' for t, f in targets]
                text = '\\n'.join(lines) + '\\n'
            else:
                node = {'@id': me + '#s', '@type': [other], 'http://e/name': [{'@value': f'{other} name {n}', '@language': 'en'}],
                        'http://e/mail': [{'@id': 'urn:x:y'}, {'@value': '1', '@type': other}]}
                for t, f in targets:
                    how, ref = random.randrange(3), {'@id': t + f}
                    if how == 0: node.setdefault('http://e/p', []).append(ref)
                    elif how == 1: node.setdefault('http://e/list', []).append({'@list': [{'@value': 'x'}, ref]})
                    else: node.setdefault('http://e/q', []).append({'http://e/within': [dict(ref, **{'http://e/name': [{'@value': 'inner'}]})]})
                text = json.dumps([node, {'@id': other, 'http://e/x': [{'@value': 1}]}], indent=random.choice([None, 1]))
            open(path, 'w').write(text)
        open('own/note.txt', 'w').write('no linked data'); open('own/.hidden.nt', 'w').write('not read')
        json.dump(graph, open('graph.json', 'w'))
        """

    static func draw(_ seed: Int, count: Int) -> String {
        drawing.replacing("SEED", with: String(seed)).replacing("COUNT", with: String(count))
    }

    /// Prints `depth iri` of every document that a walk of at most DEPTH levels comes upon, and whether it is there.
    static let walk = """
        import json
        graph = json.load(open('graph.json'))
        def document(iri):
            for name in (iri, iri + '.jsonld', iri + '.nt'):
                if name in graph: return name
            return iri
        seen = {d: 0 for d in graph if d.startswith('https://own.example/')}
        level = sorted(seen)
        for depth in range(1, DEPTH + 1):
            following = []
            for d in level:
                for target in graph.get(d, []):
                    target = document(target)
                    if target not in seen:
                        seen[target] = depth
                        following.append(target)
            level = following
        for d in sorted(seen): print(seen[d], d, 'there' if d in graph else 'missing')
        """
}

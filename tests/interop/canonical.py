#!/usr/bin/env python3
"""Canonical octets of documents, by libxml2: an oracle for the verifier's own canonical forms.

Reads a JSON list of XML texts from standard input; writes a JSON list of lists: exclusive
canonicalisation, the same with the inclusive prefix `p`, and exclusive canonicalisation of a copy
without element prefixes. All as hex.
"""

import json
import sys

from lxml import etree

XML = "http://www.w3.org/XML/1998/namespace"


def exclusive(root, inclusive=None):
    tree = etree.ElementTree(root)
    return etree.tostring(
        tree, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=inclusive
    ).hex()


def prefix_free(element):
    """The same written anew, each element with its namespace as the default one."""
    name = etree.QName(element)
    out = [f'<{name.localname} xmlns="{name.namespace or ""}"']
    for attribute, value in element.attrib.items():
        attribute = etree.QName(attribute)
        uri, written = attribute.namespace, attribute.localname
        if uri == XML:
            written = f"xml:{written}"
        elif uri:
            prefix = next(p for p, known in element.nsmap.items() if p and known == uri)
            written = f"{prefix}:{written}"
            declared = f' xmlns:{prefix}="{uri}"'
            if declared not in out:
                out.append(declared)
        out.append(f' {written}="{escaped(value)}"')
    out.append(f">{escaped(element.text or '')}")
    for child in element:
        out.append(prefix_free(child) + escaped(child.tail or ""))
    return "".join(out) + f"</{name.localname}>"


def escaped(text):
    text = text.replace("&", "&amp;")
    for special in '<>"\r\n\t':
        text = text.replace(special, f"&#{ord(special)};")
    return text


def main():
    parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
    results = []
    for text in json.load(sys.stdin):
        root = etree.fromstring(text.encode(), parser)
        with_list = exclusive(root, ["p"])
        results.append([exclusive(root), with_list, exclusive(etree.fromstring(prefix_free(root), parser))])
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()

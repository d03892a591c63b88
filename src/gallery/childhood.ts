// What the faces of children have in common in the embedder's space.
// Made by `python -m roomkin_training.childhood`; do not edit.

/** The direction (int8 in base64, of any length), its space, how much of it counts, and the hash of the data. */
export const childhood = {
  space: 'mobilefacenet-192',
  most: 0.25,
  direction:
    '+wID/vjkAaAa+AYC/wQA6P0CAQIQBvMB9gH61dnZCE/DAPznfwD/sQIAAwP8BSkNACf5ANL9rwJFAfcACekBMv9IAwD/+/vAkwTiBPwDROkBDf4nPf//IgYEIQH//yOqDvYB+QAB/wEBAQH9BQOQA/+NAeABAUhD5Awj/gD/AAIGDwAHAkTU/9Hm/QX9AP7zAc0LAP/7//PE/AAD+AM0APv//wD8AgEn/wP/GAHj+gET7f8AsxcEACLjHv/IBPkB',
  dataSha256: '9f2031e00b9aa4a89fad3f9be1dfb322c22581a6f49cc685ae011471c205dfe6',
} as const;

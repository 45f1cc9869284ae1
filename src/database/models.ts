/** The tables as Sequelize sees them; the migrations are what creates them. */
import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize';

export class ProductRow extends Model<
  InferAttributes<ProductRow>,
  InferCreationAttributes<ProductRow>
> {
  declare id: string;
  declare name: string;
  declare lowStockThreshold: number | null;
}

export class LocationRow extends Model<
  InferAttributes<LocationRow>,
  InferCreationAttributes<LocationRow>
> {
  declare id: string;
  declare name: string;
}

export class StockLevelRow extends Model<
  InferAttributes<StockLevelRow>,
  InferCreationAttributes<StockLevelRow>
> {
  declare productId: string;
  declare locationId: string;
  declare onHand: number;
  declare reserved: CreationOptional<number>;
  declare lastSequence: number;
  declare version: number;
}

export class StockMovementRow extends Model<
  InferAttributes<StockMovementRow>,
  InferCreationAttributes<StockMovementRow>
> {
  declare entry: CreationOptional<number>;
  declare productId: string;
  declare locationId: string;
  declare sequence: number;
  declare kind: string;
  declare delta: number;
  declare quantityBefore: number;
  declare quantityAfter: number;
  declare availableAfter: number;
  declare reason: CreationOptional<string | null>;
  declare reference: CreationOptional<string | null>;
  declare operationId: Buffer;
  declare lineIndex: number;
  declare idempotencyKey: CreationOptional<Buffer | null>;
  declare principal: CreationOptional<string | null>;
  declare fencingToken: CreationOptional<number | null>;
  declare createdAt: CreationOptional<Date>;
}

export interface Models {
  readonly products: ModelStatic<ProductRow>;
  readonly locations: ModelStatic<LocationRow>;
  readonly levels: ModelStatic<StockLevelRow>;
  readonly movements: ModelStatic<StockMovementRow>;
}

const text = (chars: number) => DataTypes.STRING(chars);
/** A new object each time: Sequelize writes the column's name into the object that it is given. */
const textOrNull = () => ({ type: DataTypes.STRING(255), allowNull: true });

/** Binds the models to one pool: the same tables are read through one and written through another. */
export function defineModels(sequelize: Sequelize): Models {
  const shared = { sequelize, underscored: true, timestamps: false };
  const products = class extends ProductRow {};
  products.init(
    {
      id: { type: text(64), primaryKey: true },
      name: text(255),
      lowStockThreshold: DataTypes.INTEGER,
    },
    { ...shared, tableName: 'products', modelName: 'products' },
  );
  const locations = class extends LocationRow {};
  locations.init(
    { id: { type: text(64), primaryKey: true }, name: text(255) },
    { ...shared, tableName: 'locations', modelName: 'locations' },
  );
  const levels = class extends StockLevelRow {};
  levels.init(
    {
      productId: { type: text(64), primaryKey: true },
      locationId: { type: text(64), primaryKey: true },
      onHand: DataTypes.INTEGER,
      reserved: DataTypes.INTEGER,
      lastSequence: DataTypes.BIGINT,
      version: DataTypes.BIGINT,
    },
    { ...shared, tableName: 'stock_levels', modelName: 'stock_levels' },
  );
  const movements = class extends StockMovementRow {};
  movements.init(
    {
      entry: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      productId: text(64),
      locationId: text(64),
      sequence: DataTypes.BIGINT,
      kind: text(20),
      delta: DataTypes.INTEGER,
      quantityBefore: DataTypes.INTEGER,
      quantityAfter: DataTypes.INTEGER,
      availableAfter: DataTypes.INTEGER,
      reason: textOrNull(),
      reference: textOrNull(),
      operationId: DataTypes.BLOB,
      lineIndex: DataTypes.INTEGER,
      idempotencyKey: { type: DataTypes.BLOB, allowNull: true },
      principal: textOrNull(),
      fencingToken: { type: DataTypes.BIGINT, allowNull: true },
      createdAt: DataTypes.DATE(6),
    },
    { ...shared, tableName: 'stock_movements', modelName: 'stock_movements' },
  );
  return { products, locations, levels, movements };
}
